#include "agent/scan_helper/marker_file.h"

#include "agent/scan_helper/directory.h"
#include "mesh/core/text.h"
#include "mesh/loop/id_source.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace ctys::agent {

namespace {

std::int64_t microseconds(const statx_timestamp& stamp) {
    return stamp.tv_sec * 1'000'000 + stamp.tv_nsec / 1000;
}

Result<std::string> read_all(int fd, std::size_t limit) {
    std::string text(limit, '\0');
    std::size_t size = 0;
    while (size < limit) {
        const auto got = ::read(fd, text.data() + size, limit - size);
        if (got < 0) return tl::unexpected(os_error(errno, "read"));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

Status write_all(int fd, std::string_view text) {
    if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return tl::unexpected(os_error(errno, "write"));
    }
    if (::fsync(fd) != 0) return tl::unexpected(os_error(errno, "fsync"));
    return {};
}

loop::UniqueFd open_plain(int directory, const std::string& name) {
    return loop::UniqueFd(
        ::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

Result<loop::UniqueFd> create_new(int directory, const std::string& name) {
    loop::UniqueFd fd(::openat(
        directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd.is_open()) return tl::unexpected(os_error(errno, "create"));
    return fd;
}

Status write_marker(int fd, const Uuid& id) {
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) return tl::unexpected(os_error(errno, "stat"));
    return write_all(fd, to_text({PoolId{id}, facts.st_ino}));
}

// A link either exists with all its content or not at all; its answer may be lost on NFS, so that
// the count of links decides (open(2), O_EXCL).
Status link_marker(int directory, const std::string& name, int fd) {
    const std::string marker(marker_name);
    const int failed =
        ::linkat(directory, name.c_str(), directory, marker.c_str(), 0) == 0 ? 0 : errno;
    struct stat facts {};
    const bool linked = ::fstat(fd, &facts) == 0 && facts.st_nlink == 2;
    ::unlinkat(directory, name.c_str(), 0);
    if (linked || failed == 0 || failed == EEXIST) return {};
    return tl::unexpected(os_error(failed, "link"));
}

// For file systems without links: the moment between create and write is the price.
Status create_exclusively(int directory, const Uuid& id) {
    const std::string marker(marker_name);
    auto fd = create_new(directory, marker);
    if (!fd) return tl::unexpected(std::move(fd.error()));
    auto written = write_marker(fd->value(), id);
    if (!written) ::unlinkat(directory, marker.c_str(), 0);
    return written;
}

} // namespace

Result<std::optional<MarkerFacts>> read_marker_at(int directory) {
    const std::string name(marker_name);
    const auto fd = open_plain(directory, name);
    if (!fd.is_open()) {
        if (errno == ENOENT) return std::nullopt;
        return tl::unexpected(os_error(errno, name));
    }
    struct statx facts {};
    if (::statx(fd.value(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &facts) != 0) {
        return tl::unexpected(os_error(errno, name));
    }
    if (!S_ISREG(facts.stx_mode)) {
        return fail(ErrorCode::Malformed, fmt::format("{} is not a regular file", name));
    }
    auto text = read_all(fd.value(), max_marker_bytes + 1);
    if (!text) return tl::unexpected(within(name, std::move(text.error())));
    const auto marker = parse_marker(*text);
    if (!marker) return tl::unexpected(marker.error());
    MarkerFacts out{marker->id, marker->inode, facts.stx_ino, 0, microseconds(facts.stx_ctime), 0};
    if ((facts.stx_mask & STATX_BTIME) != 0) out.born_us = microseconds(facts.stx_btime);
    struct statfs fs {};
    static_assert(sizeof fs.f_fsid == sizeof out.fsid);
    if (::fstatfs(fd.value(), &fs) == 0) std::memcpy(&out.fsid, &fs.f_fsid, sizeof out.fsid);
    return out;
}

Status create_marker_at(int directory) {
    loop::SystemIdSource ids;
    const auto id = ids.next_uuid();
    const auto name = fmt::format("{}.{:016x}", marker_name, ids.next_u64());
    auto fd = create_new(directory, name);
    if (!fd) return tl::unexpected(std::move(fd.error()));
    auto made = write_marker(fd->value(), id);
    if (!made) {
        ::unlinkat(directory, name.c_str(), 0);
        return made;
    }
    if (!link_marker(directory, name, fd->value())) {
        if (made = create_exclusively(directory, id); !made) return made;
    }
    ::fsync(directory);
    return {};
}

Result<bool> prove_at(int directory, const Prove& proof) {
    const std::string folder(probe_directory);
    const auto name = proof.nonce.to_string();
    if (proof.step == ProofStep::Write && ::mkdirat(directory, folder.c_str(), 0755) != 0 &&
        errno != EEXIST) {
        return tl::unexpected(os_error(errno, folder));
    }
    const auto probes = open_directory_at(directory, folder);
    if (!probes) {
        if (proof.step != ProofStep::Write) return false;
        return tl::unexpected(within(folder, probes.error()));
    }
    if (proof.step == ProofStep::Write) {
        const auto fd = create_new(probes->value(), name);
        if (!fd) return tl::unexpected(within(folder, fd.error()));
        if (auto written = write_all(fd->value(), name); !written) {
            return tl::unexpected(std::move(written.error()));
        }
        ::fsync(probes->value());
        return true;
    }
    if (proof.step == ProofStep::Remove) {
        const bool was_there = ::unlinkat(probes->value(), name.c_str(), 0) == 0;
        ::unlinkat(directory, folder.c_str(), AT_REMOVEDIR); // Stays while others use it.
        return was_there;
    }
    const auto fd = open_plain(probes->value(), name);
    if (!fd.is_open()) return false;
    return read_all(fd.value(), name.size() + 1) == name;
}

} // namespace ctys::agent
