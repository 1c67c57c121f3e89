#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>

namespace ctys::qemu {

/// The two places of a VDE switch: a folder that VMs attach by, and a socket it is managed by.
struct VdePaths {
    std::string data;       ///< QEMUSOCK
    std::string management; ///< QEMUMGMT

    bool operator==(const VdePaths&) const = default;
};

/// Those of a user whose configuration names none, as in the original.
[[nodiscard]] VdePaths default_vde_paths(std::string_view user);

/// The longest folder of a switch: its sockets inside are named by port and descriptor, and a path
/// of a unix socket has 107 bytes.
constexpr std::size_t max_vde_data = 91;

/// Errors: Usage for a folder that vde_switch or QEMU's library would refuse or misread: QEMU
/// takes `path[port]` and `kind://path` for something else.
[[nodiscard]] Status check_vde_data(const std::string& path);
/// The same of a management socket.
[[nodiscard]] Status check_vde_management(const std::string& path);

} // namespace ctys::qemu
