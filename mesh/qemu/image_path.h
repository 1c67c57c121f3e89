#pragma once

#include <string>
#include <string_view>

namespace ctys::qemu {

/// `path` below `folder` unless it is absolute, without `.` and doubled slashes, so that one file
/// has one text. `..` stays: behind a link it leads elsewhere than it reads.
[[nodiscard]] std::string absolute_path(std::string_view folder, std::string_view path);

/// Below /dev, where nothing is made, but for /dev/shm. Of paths as absolute_path() gives them.
[[nodiscard]] bool is_device_path(std::string_view path);

/// qcow2 where the name ends so, else raw. Never by looking into the file: a guest can write any
/// header there.
[[nodiscard]] std::string format_by_name(std::string_view path);

} // namespace ctys::qemu
