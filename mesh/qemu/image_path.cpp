#include "mesh/qemu/image_path.h"

#include "mesh/core/text.h"

namespace ctys::qemu {

std::string absolute_path(std::string_view folder, std::string_view path) {
    std::string out;
    for (const auto part : {path.starts_with('/') ? std::string_view{} : folder, path}) {
        for (const auto name : split(part, '/')) {
            if (name.empty() || name == ".") continue;
            out.append("/").append(name);
        }
    }
    // A folder stays one: TFTP and INIT want a file.
    if (out.empty() || path.ends_with('/')) out += '/';
    return out;
}

bool is_device_path(std::string_view path) {
    return path.starts_with("/dev/") && !path.starts_with("/dev/shm/");
}

std::string format_by_name(std::string_view path) {
    return path.ends_with(".qcow2") && !is_device_path(path) ? "qcow2" : "raw";
}

} // namespace ctys::qemu
