#include "agent/scan_helper/watch_set.h"

#include "agent/scanner/magic.h"
#include "agent/scanner/marker.h"
#include "agent/scanner/mountinfo.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/inotify.h>

namespace ctys::agent {

namespace {

// IN_ATTRIB: a wrapper that becomes writable for others is a change. Writing to images gives one
// event when they are closed.
constexpr std::uint32_t mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                               IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR |
                               IN_EXCL_UNLINK;

constexpr std::size_t max_names = 4096;

bool is_of_interest(std::string_view name) {
    return is_config_name(name) || is_wrapper_name(name) || is_vmx_name(name);
}

std::string join(std::string_view directory, std::string_view name) {
    return directory.empty() ? std::string(name) : fmt::format("{}/{}", directory, name);
}

std::string why_not(int number) {
    if (number == ENOSPC) return "all inotify watches of this user are in use";
    if (number == EMFILE) return "all inotify instances of this user are in use";
    return fmt::format("inotify: {}", std::strerror(number));
}

} // namespace

void WatchSet::restart() {
    // A limit that was reached is not tried again: every try would take what is left from others.
    if (!reason_.empty()) return;
    below_.clear();
    fd_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!is_watching()) reason_ = why_not(errno);
}

void WatchSet::give_up(std::string reason) {
    fd_.reset();
    below_.clear();
    reason_ = std::move(reason);
}

void WatchSet::add(int directory, std::string_view below) {
    if (!is_watching()) return;
    // inotify takes paths only. "/proc/self/fd/N" would do as well, at ten times the price.
    const int watch = ::fchdir(directory) == 0 ? ::inotify_add_watch(fd_.value(), ".", mask) : -1;
    if (watch >= 0) {
        below_[watch] = below;
    } else if (errno != ENOENT && errno != EACCES) {
        // What is gone or not readable will be remarked by the listing.
        give_up(why_not(errno));
    }
}

void WatchSet::also(std::string_view name) {
    // Configurations of one pool source few files; who has more waits for the next scan of all.
    if (names_.size() < max_names) names_.emplace(name);
}

void WatchSet::forget(std::string_view below) {
    for (auto at = below_.begin(); at != below_.end();) {
        if (!is_within(below, at->second)) {
            ++at;
            continue;
        }
        ::inotify_rm_watch(fd_.value(), at->first);
        at = below_.erase(at);
    }
}

void WatchSet::note(const inotify_event& event, std::string_view name, DirtyScopes& dirty) {
    if ((event.mask & (IN_Q_OVERFLOW | IN_UNMOUNT)) != 0) return dirty.add_all();
    const auto at = below_.find(event.wd);
    if (at == below_.end()) return;
    const auto below = at->second;
    if ((event.mask & IN_IGNORED) != 0) {
        below_.erase(at);
        return;
    }
    if (name.empty()) {
        // Of the directory itself; its parent tells of moves and deletion, the root has none.
        if (below.empty() || (event.mask & IN_ATTRIB) != 0) dirty.add({below, true});
        return;
    }
    if (name == marker_name) return dirty.add({below, true});
    if (name == probe_directory || !is_utf8(name)) return;
    if ((event.mask & IN_ISDIR) != 0) {
        if ((event.mask & (IN_MOVED_FROM | IN_DELETE)) != 0) forget(join(below, name));
        return dirty.add({join(below, name), true});
    }
    if (is_of_interest(name) || names_.contains(name)) dirty.add({below, false});
}

void WatchSet::read_into(DirtyScopes& dirty) {
    alignas(inotify_event) std::array<char, 64 * 1024> buffer;
    while (is_watching()) {
        const auto got = ::read(fd_.value(), buffer.data(), buffer.size());
        if (got <= 0) return;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = buffer.data() + at + sizeof event;
            at += sizeof event + event.len;
            note(event, {name, ::strnlen(name, event.len)}, dirty);
        }
    }
}

} // namespace ctys::agent
