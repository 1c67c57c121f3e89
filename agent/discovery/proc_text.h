#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// Fields of /proc/PID/stat (proc(5)) that discovery needs.
struct ProcStat {
    std::uint32_t pid = 0;
    std::string comm; ///< may hold anything, parentheses and blanks as well
    char state = '?';
    std::uint32_t parent = 0;
    std::uint32_t process_group = 0;
    std::uint32_t session = 0;
    std::uint64_t start_ticks = 0; ///< clock ticks after boot

    bool operator==(const ProcStat&) const = default;
};
/// Errors: Malformed.
[[nodiscard]] Result<ProcStat> parse_proc_stat(std::string_view text);

/// State Z or X: dead, though its pid is still taken.
[[nodiscard]] bool is_dead(const ProcStat& stat);

/// The path of the unified hierarchy, else that of the systemd one; empty without either.
[[nodiscard]] std::string parse_cgroup(std::string_view text);

struct UnixSocket {
    std::uint64_t inode = 0;
    std::string path; ///< abstract ones start with "@"

    bool operator==(const UnixSocket&) const = default;
};
/// Listening sockets with a name from /proc/net/unix; lines that cannot be read are skipped.
[[nodiscard]] std::vector<UnixSocket> parse_listening_unix(std::string_view text);

/// Arguments between NULs. A process may overwrite them with anything.
[[nodiscard]] std::vector<std::string> parse_cmdline(std::string_view bytes);

/// The first three numbers behind a name in /proc/PID/status: "Uid:\t0\t0\t0\t0" gives the real one
/// at 0 and the effective one at 1. Errors: Malformed.
[[nodiscard]] Result<std::uint32_t>
parse_status_number(std::string_view status, std::string_view name, std::size_t column);

/// The target of a /proc/PID/exe link without the " (deleted)" of a replaced or removed file.
[[nodiscard]] std::string_view without_deleted(std::string_view exe);

/// An executable named qemu-system-*, qemu-kvm or kvm.
[[nodiscard]] bool is_qemu_executable(std::string_view exe);

/// Inode number in a link target "socket:[123]"; 0 for another target.
[[nodiscard]] std::uint64_t socket_inode(std::string_view link);

/// The target of a /proc/PID/fd link may be an image: a file or block device, not one of the
/// devices, logs and anonymous files every QEMU holds. Decided by its name alone, since even a
/// stat may hang on a dead mount.
[[nodiscard]] bool may_be_image(std::string_view link);

} // namespace ctys::agent
