#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ctys::qemu {

/// The right side of a bash assignment.
struct ShellWord {
    /// Nothing when only bash can tell.
    std::optional<std::string> value;
    /// A quote that is still open at the end of the line; 0 when none is.
    char open_quote = 0;
    /// Something that is neither blank nor comment follows: the assignment belongs to a command.
    bool followed = false;

    bool operator==(const ShellWord&) const = default;
};

using Variables = std::map<std::string, std::string, std::less<>>;

/// Reads one word from the start of `text` with bash's quoting; $NAME, ${NAME} and
/// ${NAME:-constant} are looked up in `known`, anything else with `$` or a backquote is not
/// constant. Values are bounded by 16 KiB.
[[nodiscard]] ShellWord read_shell_word(std::string_view text, const Variables& known);

} // namespace ctys::qemu
