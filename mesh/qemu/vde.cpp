#include "mesh/qemu/vde.h"

#include "mesh/core/text.h"
#include "mesh/qemu/assemble.h"

#include <fmt/format.h>

namespace ctys::qemu {

namespace {

Status check_vde_path(std::string_view what, const std::string& path, std::size_t most) {
    if (!path.starts_with('/')) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} must be an absolute path, not {}", what, printable(path)));
    }
    if (path.size() > most) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} has {} bytes, at most {} fit: {}",
                                what,
                                path.size(),
                                most,
                                printable(path, 60)));
    }
    const bool control = printable(path) != path;
    if (control || path.find_first_of("[]{}") != std::string::npos ||
        path.find("://") != std::string::npos) {
        return fail(ErrorCode::Usage,
                    fmt::format("{} has control characters, brackets or :// in it, which VDE takes "
                                "for something else: {}",
                                what,
                                printable(path)));
    }
    return {};
}

} // namespace

VdePaths default_vde_paths(std::string_view user) {
    return {.data = fmt::format("/var/tmp/vde_switch0.{}", user),
            .management = fmt::format("/var/tmp/vde_mgmt0.{}", user)};
}

Status check_vde_data(const std::string& path) {
    return check_vde_path("the folder of a switch", path, max_vde_data);
}

Status check_vde_management(const std::string& path) {
    return check_vde_path("the management socket of a switch", path, max_socket_path);
}

} // namespace ctys::qemu
