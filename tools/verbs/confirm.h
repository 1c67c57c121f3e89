#pragma once

#include "tools/verbs/session.h"

#include <string_view>

namespace ctys::tools {

/// Asks on the terminal; --yes answers for the person. Errors: Usage where there is neither a
/// terminal nor --yes; Cancelled when the answer is no.
[[nodiscard]] Status confirm(Session& session, std::string_view question);

/// Is there a terminal on which a person could be asked?
[[nodiscard]] bool has_terminal();

} // namespace ctys::tools
