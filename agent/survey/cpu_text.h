#pragma once

#include <string>
#include <string_view>

namespace ctys::agent {

struct CpuText {
    std::string model;
    std::string flags; ///< between blanks, in the kernel's order

    bool operator==(const CpuText&) const = default;
};

/// The first processor of /proc/cpuinfo. Flags beyond 2500 bytes end with "...". Pure.
[[nodiscard]] CpuText parse_cpuinfo(std::string_view text);

} // namespace ctys::agent
