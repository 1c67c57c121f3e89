#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace ctys::call {

/// Which file it is, whatever text leads to it: links and `..` are followed, of a device it is the
/// device, of an absent file its folder and name.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0; ///< zero: a block device
    std::string name;        ///< of an absent file

    bool operator==(const FileIdentity&) const = default;
};

[[nodiscard]] FileIdentity identity_of(const struct stat& status);
/// Nothing where not even the folder can be looked at.
[[nodiscard]] std::optional<FileIdentity> identity_of(const std::string& path);

/// It begins as a qcow2 image does. Never what decides about a format.
[[nodiscard]] bool has_qcow2_header(const std::string& path);

/// What stands at the beginning of a target while INIT rewrites it in its place: whoever is cut
/// short in between leaves it there.
constexpr std::string_view half_made_mark = "ctys INIT: this image is half made.\n";
/// It begins with that mark.
[[nodiscard]] bool is_half_made(const std::string& path);

/// The folder that a path names a file in.
[[nodiscard]] std::string folder_of(const std::string& path);

/// Without links; empty where it is absent.
[[nodiscard]] std::string real_path(const std::string& path);

/// Type of its file system as statfs(2) tells it; of an absent file that of its folder.
[[nodiscard]] std::optional<std::uint32_t> file_system_of(const std::string& path);

/// True when the file lies, or would lie, on a file system that other machines may mount as well.
[[nodiscard]] bool is_on_shared_storage(const std::string& path);

} // namespace ctys::call
