#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// One line of /proc/self/mountinfo (proc(5)).
struct Mount {
    std::uint64_t id = 0;
    std::string root;  ///< what of the file system is mounted, as a path within it
    std::string point; ///< where, as a path of this process
    std::string filesystem;
    std::string source;
    std::string super_options;
    bool read_only = false; ///< of this mount or of its file system

    bool operator==(const Mount&) const = default;
};

/// More mounts than this are not read: the rest of the text is ignored.
constexpr std::size_t max_mounts = 65536;

/// Lines that are no mountinfo are skipped; escapes (`\040`) are resolved.
[[nodiscard]] std::vector<Mount> parse_mountinfo(std::string_view text);

/// The mount that `path` (absolute, without links and "..") lies in. Of several on one point, the
/// last one counts, as it covers the others.
[[nodiscard]] std::optional<Mount> find_mount(const std::vector<Mount>& mounts,
                                              std::string_view path);
[[nodiscard]] std::optional<Mount> find_mount_by_id(const std::vector<Mount>& mounts,
                                                    std::uint64_t id);

/// Served by another machine: changes made there are not reported by inotify, and a touch may
/// never return.
[[nodiscard]] bool is_network_filesystem(std::string_view type);
/// A touch may mount something that hangs.
[[nodiscard]] bool is_automount(std::string_view type);
/// A copied file never has the inode of its original, a moved one keeps it: not so on layered,
/// forwarded and network file systems.
[[nodiscard]] bool keeps_inodes(std::string_view type);

/// True if `path` is `directory` or lies below it, by whole components. An empty directory holds
/// every relative path, "/" every absolute one.
[[nodiscard]] bool is_within(std::string_view directory, std::string_view path);

} // namespace ctys::agent
