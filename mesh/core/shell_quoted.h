#pragma once

#include <string>
#include <vector>

namespace ctys {

/// One line that a POSIX shell reads back as the same arguments.
[[nodiscard]] std::string shell_quoted(const std::vector<std::string>& argv);

} // namespace ctys
