#pragma once

#include "tools/verbs/session.h"

#include <string_view>

namespace ctys::tools {

/// Asks on the terminal; --yes answers for the person. Errors: Usage where there is neither a
/// terminal nor --yes; Cancelled when the answer is no.
[[nodiscard]] Status confirm(Session& session, std::string_view question);

} // namespace ctys::tools
