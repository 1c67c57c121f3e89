#pragma once

#include "tools/verbs/session.h"
#include "tools/verbs/verb.h"

#include <string>
#include <variant>
#include <vector>

namespace ctys::tools {

/// Text to print instead of doing anything: help, version.
struct Page {
    std::string text;
};
/// A verb with its options in place.
struct Chosen {
    Subcommand* verb = nullptr;
};
using Parsed = std::variant<Page, Chosen>;

/// Reads the arguments (without the program) into `globals` and the options of one of `verbs`.
/// Words from other tools, misspelt verbs and options are answered with what to type instead.
/// `globals` has the format asked for also when the rest cannot be read. Errors: Usage,
/// Unsupported.
[[nodiscard]] Result<Parsed>
parse_arguments(const std::vector<std::string>& args, const Subcommands& verbs, Globals& globals);

/// Global options taken out of a call in the original's language, which knows none of them.
/// Errors: Usage.
[[nodiscard]] Result<std::vector<std::string>> take_globals(const std::vector<std::string>& args,
                                                            Globals& globals);

} // namespace ctys::tools
