#include "agent/scan_helper/walk.h"

#include "agent/scan_helper/marker_file.h"
#include "agent/scanner/magic.h"
#include "agent/scanner/naming.h"
#include "mesh/core/digest.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ctys::agent {

namespace {

constexpr std::size_t first_read_bytes = 8 * 1024;

std::vector<FoundWrapper> stat_wrappers(int fd, const Listing& listing) {
    std::vector<FoundWrapper> out;
    for (const auto& name : listing.wrappers) {
        struct stat facts {};
        if (::fstatat(fd, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
        out.push_back({name, facts.st_mode & 07777, facts.st_uid, S_ISREG(facts.st_mode)});
    }
    return out;
}

/// Appends up to `limit` bytes in all; false when the kernel refused. A regular file gives less
/// than was asked for only at its end, so that one call does for a small one.
bool read_up_to(int fd, std::string& text, std::size_t limit) {
    while (text.size() < limit) {
        const auto had = text.size();
        text.resize(std::min(limit, std::max(had * 2, first_read_bytes)));
        const auto asked = text.size() - had;
        const auto got = ::read(fd, text.data() + had, asked);
        text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got < 0) return false;
        if (static_cast<std::size_t>(got) < asked) return true;
    }
    return true;
}

bool is_listed(const Listing& listing, const std::string& name) {
    const auto& names = is_vmx_name(name) ? listing.vmx : listing.configs;
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// What its owner keeps from all others is read by root and may not be told with a VM of another.
bool is_kept_from(std::uint32_t owner, const struct stat& facts) {
    return owner != 0 && facts.st_uid != owner && (facts.st_mode & (S_IRGRP | S_IROTH)) == 0;
}

/// Of a regular file in this very directory; empty where it completes nothing of this owner.
std::string text_beside(int fd, const std::string& name, std::uint32_t owner) {
    const loop::UniqueFd further(
        ::openat(fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat facts {};
    if (!further.is_open() || ::fstat(further.value(), &facts) != 0 || !S_ISREG(facts.st_mode) ||
        is_kept_from(owner, facts))
        return {};
    std::string text;
    if (!read_up_to(further.value(), text, qemu::max_further_bytes + 1)) return {};
    const bool fits =
        text.size() <= qemu::max_further_bytes && text.find('\0') == std::string::npos;
    return fits ? text : std::string{};
}

/// Resolved by the kernel without touching another mount, which might hang.
bool leads_in_a_circle(int directory, const std::string& name) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
    const auto opened = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how);
    if (opened >= 0) {
        ::close(static_cast<int>(opened));
        return false;
    }
    return errno == ELOOP;
}

} // namespace

Walk::Walk(const PoolRoot& root, WatchSet& watches, Outbox& outbox)
    : root_(root), watches_(watches), outbox_(outbox) {}

std::string Walk::below(std::string_view name) const {
    return below_.empty() ? std::string(name) : fmt::format("{}/{}", below_, name);
}

void Walk::remark(RemarkKind kind, std::string below, std::string text) {
    outbox_.put(ScanRemark{kind, std::move(below), printable(text)});
}

void Walk::run(const ScanScope& scope) {
    recursive_ = scope.recursive;
    const Place top{root_.facts.marker.id, 0, &root_.facts.mount};
    loop::UniqueFd fd(::fcntl(root_.fd.value(), F_DUPFD_CLOEXEC, 3));
    if (scope.below.empty()) return enter(fd.value(), top, 0);
    // The directories above the scope count with their markers, not with what they hold.
    auto place = top;
    MountFacts mount;
    int depth = 0;
    for (const auto part : split(scope.below, '/')) {
        below_ = below(part);
        if (root_.foreign_mounts.contains(below_)) return;
        auto next = open_directory_at(fd.value(), std::string(part));
        if (!next) {
            if (next.error().code != ErrorCode::NotFound) {
                remark(RemarkKind::Unreadable, below_, next.error().message);
            }
            return;
        }
        fd = std::move(*next);
        if (++depth > max_depth) return;
        if (below_.size() < scope.below.size()) place = place_of(fd.value(), place, mount);
    }
    enter(fd.value(), place, depth);
}

Walk::Place Walk::place_of(int fd, const Place& above, MountFacts& mount) {
    auto marker = read_marker_at(fd);
    if (!marker) {
        remark(RemarkKind::Unreadable, below_, marker.error().message);
        return above;
    }
    if (!*marker) return above;
    mount = mount_of(fd);
    outbox_.put(NestedMarker{below_, **marker, mount});
    return {(*marker)->id, below_.size() + 1, &mount};
}

void Walk::enter(int fd, const Place& above, int depth) {
    ++directories_;
    outbox_.tick(directories_);
    watches_.add(fd, below_);
    const auto listing = list_directory(fd);
    if (!listing) return remark(RemarkKind::Unreadable, below_, listing.error().message);
    if (listing->is_cut) {
        remark(RemarkKind::TooMany, below_, "more entries than are looked at");
        remark(RemarkKind::Unreadable, below_, "more entries than are looked at");
    }
    if (listing->has_bad_names) {
        remark(RemarkKind::BadName, below_, "names that are no UTF-8 are left out");
    }
    MountFacts mount;
    const auto place = listing->has_marker && !below_.empty() ? place_of(fd, above, mount) : above;
    if (listing->is_of_interest()) read_configs(fd, *listing, place);
    if (!listing->links.empty()) read_links(fd, *listing, place);
    if (!recursive_) return;
    for (const auto& name : listing->directories) {
        descend(fd, name, place, depth + 1);
    }
}

void Walk::descend(int fd, const std::string& name, const Place& place, int depth) {
    const auto size = below_.size();
    if (size + name.size() + 1 > max_path_bytes - 256 || depth > max_depth) {
        return remark(RemarkKind::TooDeep, below_, "deeper directories are not looked at");
    }
    if (!below_.empty()) below_ += '/';
    below_ += name;
    if (root_.foreign_mounts.contains(below_)) {
        remark(RemarkKind::OtherMount, below_, "a network file system: make it a pool of its own");
        remark(RemarkKind::Unreadable, below_, "another mount");
    } else if (auto next = open_directory_at(fd, name)) {
        enter(next->value(), place, depth);
    } else if (next.error().code != ErrorCode::NotFound) {
        remark(RemarkKind::Unreadable, below_, next.error().message);
    }
    below_.resize(size);
}

FoundFile Walk::file_in(int fd, const Listing& listing, const Place& place) const {
    struct stat directory {};
    FoundFile shared;
    if (::fstat(fd, &directory) != 0) return shared;
    shared.storage.pool = place.pool;
    shared.storage.below = below_.substr(std::min(place.marked, below_.size()));
    shared.storage.inode = directory.st_ino;
    shared.storage.filesystem = place.mount->filesystem;
    shared.storage.source = place.mount->source;
    shared.directory_mode = directory.st_mode & 07777;
    shared.wrappers = stat_wrappers(fd, listing);
    return shared;
}

void Walk::read_configs(int fd, const Listing& listing, const Place& place) {
    const auto shared = file_in(fd, listing, place);
    for (const auto& name : listing.configs) {
        outbox_.tick(directories_);
        read_config(fd, name, shared, listing);
    }
}

void Walk::read_config(int fd, const std::string& name, FoundFile file, const Listing& listing) {
    const loop::UniqueFd config(
        ::openat(fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    file.below = below(name);
    if (!config.is_open()) {
        // Gone meanwhile, or replaced by a link: as if it had not been listed.
        if (errno == ENOENT || errno == ELOOP) return;
        return unreadable(std::move(file), os_error(errno, "open").message);
    }
    struct stat facts {};
    if (::fstat(config.value(), &facts) != 0 || !S_ISREG(facts.st_mode)) return;
    ++files_;
    const bool too_large = facts.st_size > static_cast<off_t>(max_config_bytes);
    text_.clear();
    if (!read_up_to(config.value(), text_, too_large ? max_magic_bytes : max_config_bytes)) {
        return unreadable(std::move(file), os_error(errno, "read").message);
    }
    const bool has_nul = text_.find('\0') != std::string::npos;
    const auto magic = classify(std::string_view(text_).substr(0, max_magic_bytes));
    // Of a .ctys that is no text, the magic may be what is broken.
    if (magic == Magic::None && !(has_nul && is_own_name(name))) return;
    file.ignored = magic == Magic::Ignored;
    file.digest = digest(text_);
    file.size = static_cast<std::uint64_t>(facts.st_size);
    file.uid = facts.st_uid;
    file.gid = facts.st_gid;
    file.mode = facts.st_mode & 07777;
    if (too_large) {
        file.problem = fmt::format("{} is larger than 1 MiB", name);
    } else if (has_nul) {
        file.problem = fmt::format("{} contains NUL bytes", name);
    } else {
        file.text = text_;
        read_further(fd, listing, file);
    }
    outbox_.put(std::move(file));
}

void Walk::read_further(int fd, const Listing& listing, FoundFile& file) {
    const auto names = qemu::further_names(file.text, join_path(root_.path, file.below));
    for (const auto& further : names) {
        if (further.sourced)
            watches_.also(further.name);
        else if (!is_listed(listing, further.name))
            continue;
        auto text = text_beside(fd, further.name, file.uid);
        // A VM of its own has keys of its own.
        const bool is_other_vm = !further.sourced && classify(text) == Magic::Active;
        if (text.empty() || is_other_vm) continue;
        file.digest = digest(text, digest(further.name, file.digest));
        file.further.push_back({further, std::move(text)});
    }
}

void Walk::unreadable(FoundFile file, std::string reason) {
    const auto name = name_of(file.below);
    // Any other program may have a .conf that is not for us.
    if (!is_own_name(name)) {
        return remark(RemarkKind::Unreadable, file.below, std::move(reason));
    }
    file.digest = digest(reason);
    file.problem = fmt::format("{}: {}", name, reason);
    outbox_.put(std::move(file));
}

void Walk::read_links(int fd, const Listing& listing, const Place& place) {
    for (const auto& name : listing.links) {
        if (is_own_name(name) && leads_in_a_circle(fd, name)) {
            auto file = file_in(fd, listing, place);
            file.below = below(name);
            unreadable(std::move(file), "its link leads in a circle");
            continue;
        }
        std::array<char, max_path_bytes> target;
        const auto size = ::readlinkat(fd, name.c_str(), target.data(), target.size());
        if (size <= 0) continue;
        const std::string_view text(target.data(), static_cast<std::size_t>(size));
        if (is_link_loop(join_path(root_.path, below_), text)) {
            remark(RemarkKind::LinkLoop, below(name), fmt::format("leads back to {}", text));
        } else if (is_config_name(name)) {
            remark(RemarkKind::LinkSkipped, below(name), fmt::format("is a link to {}", text));
        }
    }
}

} // namespace ctys::agent
