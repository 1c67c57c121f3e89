#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// One word of a bash script as it stands, without its quotes; each expansion and command
/// substitution is `expansion` in it. The text of ${NAME:+text} is part of the word.
struct ScriptWord {
    static constexpr char expansion = '$';

    std::string shape;
    std::string variable;              ///< of a word that begins with ${NAME...} or $NAME
    bool has_constant_default = false; ///< ${NAME:-text} with a text of its own

    bool operator==(const ScriptWord&) const = default;
};

/// One simple command. Keywords of the shell in front of it are left out, and so are
/// redirections, the patterns of `case` and the head of `for`.
struct ShellStatement {
    std::uint32_t line = 0; ///< 1-based, where it begins
    std::vector<ScriptWord> words;

    bool operator==(const ShellStatement&) const = default;
};

struct ShellStatements {
    std::vector<ShellStatement> statements; ///< in order; of a substitution before its own
    std::vector<std::string> functions;     ///< that the script defines

    bool operator==(const ShellStatements&) const = default;
};

/// Reads a script without executing any of it. What is no shell gives some statements or others;
/// nesting deeper than a person writes is read as if it were not there.
[[nodiscard]] ShellStatements read_shell_statements(std::string_view script);

} // namespace ctys::qemu
