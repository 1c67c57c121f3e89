#pragma once

#include "tools/legacy/request.h"

#include <optional>
#include <string>
#include <vector>

namespace ctys::tools::legacy {

/// One `[user@]host`, with what its options and those before it say.
struct Target {
    std::string user;
    std::string host;
    bool sync = false;

    bool operator==(const Target&) const = default;
};

/// ctys [-t TYPE|-T LIST] -a ACTION[=SUBOPTIONS] [OPTIONS] [--] ['('OPTS')'] [[USER@]HOST...]
struct CommandLine {
    What what;
    std::string type;        ///< upper case; empty when neither -t nor -T was given
    std::string action_text; ///< as typed, for messages
    bool sync = false;       ///< create and cancel wait for their outcome
    bool dry_run = false;    ///< -n
    bool help = false;       ///< -h: nothing else of the line counts
    std::vector<Target> targets;

    bool operator==(const CommandLine&) const = default;
};

/// Do these arguments (without the program) speak the original language: a short -a, -t or -T
/// before any verb?
[[nodiscard]] bool is_legacy(const std::vector<std::string>& args,
                             const std::vector<std::string_view>& verbs);

/// The same words with the options of the new language as the verbs have them, in two words each:
/// `--broker=URL`, `-o FORMAT` and `-oFORMAT` become `--broker URL` and `--output FORMAT`.
[[nodiscard]] std::vector<std::string> spell_out(const std::vector<std::string>& args);

/// Errors: Usage, Unsupported. Messages begin with the option they are about.
[[nodiscard]] Result<CommandLine> parse_command_line(const std::vector<std::string>& args);

} // namespace ctys::tools::legacy
