#pragma once

#include "tools/verbs/verb.h"

#include <optional>
#include <string>
#include <string_view>

namespace ctys::tools {

/// Pages that belong to no verb: "" (all verbs), exit-status, address, legacy, and the keys of
/// create, cancel, list, enumerate in the original's language (the last two as legacy-list and
/// legacy-enumerate, since list is a verb). Nothing for another topic.
[[nodiscard]] std::optional<std::string> help_page(std::string_view topic,
                                                   const Subcommands& verbs);

} // namespace ctys::tools
