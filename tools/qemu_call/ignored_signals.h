#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::call {

/// What CTYS_SIGIGNORESPEC asks for.
struct IgnoredSignals {
    std::vector<int> signals;       ///< in order, each once
    std::vector<std::string> notes; ///< a sentence for each that nobody can ignore, or must not

    bool operator==(const IgnoredSignals&) const = default;
};

/// "2 3 TSTP" or "SIGINT,QUIT": numbers and names with blanks or commas between them, as `trap`
/// takes them. SIGKILL and SIGSTOP (19, which the original's default names) are left out, and so
/// are SIGCHLD, by which the end of QEMU is seen, and those of a fault. Errors: Usage, naming the
/// word.
[[nodiscard]] Result<IgnoredSignals> parse_ignored_signals(std::string_view text);

/// "INT, QUIT"; empty for none.
[[nodiscard]] std::string names_of(const std::vector<int>& signals);

} // namespace ctys::call
