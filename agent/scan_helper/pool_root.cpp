#include "agent/scan_helper/pool_root.h"

#include "agent/scan_helper/marker_file.h"
#include "agent/scanner/mountinfo.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace ctys::agent {

namespace {

// Large enough for anything a container host has; the rest is cut.
constexpr std::size_t max_mountinfo_bytes = 16 * 1024 * 1024;
constexpr std::size_t max_fact_bytes = 1024;

std::vector<Mount> read_mounts() {
    const loop::UniqueFd fd(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 64 * 1024> buffer;
    while (fd.is_open() && text.size() < max_mountinfo_bytes) {
        const auto got = ::read(fd.value(), buffer.data(), buffer.size());
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return parse_mountinfo(text);
}

MountFacts facts_of(const std::vector<Mount>& mounts, int directory) {
    struct statx facts {};
    if (::statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &facts) != 0) return {};
    const auto mount = find_mount_by_id(mounts, facts.stx_mnt_id);
    if (!mount) return {};
    return {printable(mount->filesystem, max_fact_bytes),
            printable(mount->source, max_fact_bytes),
            printable(mount->root, max_fact_bytes),
            printable(mount->super_options, max_fact_bytes),
            is_network_filesystem(mount->filesystem),
            mount->read_only};
}

std::string path_of(int fd, const std::string& otherwise) {
    std::array<char, max_path_bytes> buffer;
    const auto link = fmt::format("/proc/self/fd/{}", fd);
    const auto size = ::readlink(link.c_str(), buffer.data(), buffer.size());
    if (size <= 0) return otherwise;
    return {buffer.data(), static_cast<std::size_t>(size)};
}

/// Mounts that may hang, below the root: only of those is a touch left out.
std::set<std::string> find_foreign(const std::vector<Mount>& mounts, std::string_view root) {
    std::set<std::string> out;
    const auto prefix = root == "/" ? std::string("/") : fmt::format("{}/", root);
    for (const auto& mount : mounts) {
        const bool may_hang =
            is_network_filesystem(mount.filesystem) || is_automount(mount.filesystem);
        if (may_hang && mount.point.starts_with(prefix)) {
            out.insert(mount.point.substr(prefix.size()));
        }
    }
    return out;
}

void read_marker(PoolRoot& root, bool may_mark) {
    auto marker = read_marker_at(root.fd.value());
    if (marker && !*marker) {
        if (!may_mark) {
            root.facts.marker_reason = "its marker is missing; its storage may not be mounted";
            return;
        }
        if (auto made = create_marker_at(root.fd.value()); !made) {
            root.facts.marker_reason = fmt::format("no marker: {}", made.error().message);
            return;
        }
        marker = read_marker_at(root.fd.value());
    }
    if (!marker) {
        root.facts.marker_reason = printable(marker.error().message);
    } else if (*marker) {
        root.facts.marker = **marker;
    }
}

} // namespace

MountFacts mount_of(int directory) {
    return facts_of(read_mounts(), directory);
}

Result<PoolRoot> open_pool_root(const std::string& path, bool may_mark) {
    PoolRoot root;
    root.fd = loop::UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.fd.is_open()) return tl::unexpected(os_error(errno, path));
    struct stat facts {};
    if (::fstat(root.fd.value(), &facts) != 0) return tl::unexpected(os_error(errno, path));
    root.facts.root_inode = facts.st_ino;
    root.path = path_of(root.fd.value(), path);
    const auto mounts = read_mounts();
    root.facts.mount = facts_of(mounts, root.fd.value());
    root.foreign_mounts = find_foreign(mounts, root.path);
    read_marker(root, may_mark);
    return root;
}

} // namespace ctys::agent
