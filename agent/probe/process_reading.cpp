#include "agent/probe/process_reading.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <optional>
#include <pwd.h>
#include <unistd.h>

namespace ctys::agent {
namespace {

/// QEMU with many disks has hundreds of descriptors; what is beyond is not worth the time.
constexpr int max_descriptors = 4096;
constexpr std::size_t max_listed = 64;
constexpr std::size_t max_net_unix_bytes = 4UL * 1024 * 1024;

/// Bytes of a file, at most `limit`; nothing and errno when it cannot be read.
std::optional<std::string> read_file(const std::string& path, std::size_t limit) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    std::string out;
    std::array<char, 16384> buffer{};
    ssize_t got = 0;
    while (out.size() < limit && (got = ::read(fd, buffer.data(), buffer.size())) > 0) {
        out.append(buffer.data(), static_cast<std::size_t>(got));
    }
    const int problem = errno;
    ::close(fd);
    errno = problem;
    if (got < 0) return std::nullopt;
    if (out.size() > limit) out.resize(limit);
    return out;
}

std::optional<std::string> read_link(const std::string& path) {
    std::array<char, 4096> buffer{};
    const auto size = ::readlink(path.c_str(), buffer.data(), buffer.size());
    if (size < 0) return std::nullopt;
    return std::string(buffer.data(), static_cast<std::size_t>(size));
}

void add_missing(ProbeRecord& record, std::string_view what) {
    record.add("missing", fmt::format("{}: {}", what, std::strerror(errno)));
}

std::string user_name(std::uint32_t uid) {
    const auto* entry = ::getpwuid(uid);
    return entry == nullptr ? std::to_string(uid) : std::string(entry->pw_name);
}

} // namespace

std::string ProcessReading::path(std::uint32_t pid, std::string_view below) const {
    return fmt::format("{}/{}/{}", proc_, pid, below);
}

ProbeRecord ProcessReading::read(std::uint32_t pid) {
    ProbeRecord record;
    record.add("pid", std::to_string(pid));
    read_identity(pid, record);
    if (record.first("start_ticks").empty()) return record;
    if (const auto exe = read_link(path(pid, "exe"))) {
        record.add("exe", without_deleted(*exe));
    } else {
        add_missing(record, "exe");
    }
    if (const auto cmdline = read_file(path(pid, "cmdline"), max_probe_field_bytes)) {
        record.add("cmdline", *cmdline);
    } else {
        add_missing(record, "cmdline");
    }
    if (const auto cwd = read_link(path(pid, "cwd"))) {
        record.add("cwd", *cwd);
    } else {
        add_missing(record, "cwd");
    }
    record.add("cgroup", parse_cgroup(read_file(path(pid, "cgroup"), 16384).value_or("")));
    read_namespaces(pid, record);
    read_descriptors(pid, record);
    return record;
}

void ProcessReading::read_identity(std::uint32_t pid, ProbeRecord& record) {
    const auto stat = parse_proc_stat(read_file(path(pid, "stat"), 4096).value_or(""));
    const auto status = read_file(path(pid, "status"), 16384).value_or("");
    const auto uid = parse_status_number(status, "Uid", 1);
    const auto gid = parse_status_number(status, "Gid", 1);
    if (!stat || !uid || !gid || is_dead(*stat)) return;
    record.add("start_ticks", std::to_string(stat->start_ticks));
    record.add("uid", std::to_string(*uid));
    record.add("gid", std::to_string(*gid));
    record.add("user", user_name(*uid));
    record.add("parent", std::to_string(stat->parent));
    const auto parent = parse_proc_stat(read_file(path(stat->parent, "stat"), 4096).value_or(""));
    record.add("parent_name", parent ? parent->comm : "");
    const auto leader = parse_proc_stat(read_file(path(stat->session, "stat"), 4096).value_or(""));
    const bool is_gone = !leader || is_dead(*leader);
    const bool is_orphan = stat->session != pid && stat->session != 0 && is_gone;
    record.add("session_orphan", is_orphan ? "1" : "0");
}

void ProcessReading::read_namespaces(std::uint32_t pid, ProbeRecord& record) {
    const auto differs = [&](std::string_view name) {
        const auto theirs = read_link(path(pid, name));
        return theirs && theirs != read_link(fmt::format("{}/self/{}", proc_, name));
    };
    record.add("other_mounts", differs("ns/mnt") ? "1" : "0");
    record.add("other_network", differs("ns/net") ? "1" : "0");
}

const std::vector<UnixSocket>& ProcessReading::listening(std::uint32_t pid) {
    const auto network = read_link(path(pid, "ns/net")).value_or("");
    const auto found = listening_by_network_.find(network);
    if (found != listening_by_network_.end()) return found->second;
    const auto text = read_file(path(pid, "net/unix"), max_net_unix_bytes).value_or("");
    return listening_by_network_.emplace(network, parse_listening_unix(text)).first->second;
}

void ProcessReading::read_descriptors(std::uint32_t pid, ProbeRecord& record) {
    const auto folder = path(pid, "fd");
    auto* directory = ::opendir(folder.c_str());
    if (directory == nullptr) return add_missing(record, "fd");
    const auto& sockets = listening(pid);
    std::size_t files = 0;
    std::size_t found = 0;
    int count = 0;
    while (const auto* entry = ::readdir(directory)) {
        if (++count > max_descriptors || files >= max_listed || found >= max_listed) break;
        const auto link = read_link(folder + "/" + entry->d_name);
        if (!link) continue;
        if (may_be_image(*link)) {
            record.add("file", *link);
            ++files;
        }
        const auto inode = socket_inode(*link);
        const auto socket = std::find_if(sockets.begin(), sockets.end(), [&](const auto& each) {
            return inode != 0 && each.inode == inode;
        });
        if (socket == sockets.end()) continue;
        record.add("socket", socket->path);
        ++found;
    }
    ::closedir(directory);
}

} // namespace ctys::agent
