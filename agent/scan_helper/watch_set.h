#pragma once

#include "agent/scanner/dirty_scopes.h"
#include "mesh/loop/unique_fd.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

struct inotify_event;

namespace ctys::agent {

/// inotify watches on the directories of a pool. Where they cannot be kept it gives all of them up
/// and says why: half a pool watched would look like a pool without changes.
class WatchSet {
public:
    WatchSet() = default;

    /// Before a directory is listed, so that no change falls between. The directory is open, so
    /// that no link and no rename can lead the watch astray. Changes the working directory.
    void add(int directory, std::string_view below);
    /// A file of this name, in whatever directory, matters from now on.
    void also(std::string_view name);
    /// Directories that were moved away or deleted: what is found again is watched again.
    void forget(std::string_view below);
    /// Ends watching for good, with the reason.
    void give_up(std::string reason);
    /// Forgets all watches and what they saw: a scan of the whole pool follows.
    void restart();

    [[nodiscard]] bool is_watching() const { return fd_.is_open(); }
    [[nodiscard]] const std::string& reason() const { return reason_; }
    /// Readable when something changed; -1 where nothing is watched.
    [[nodiscard]] int fd() const { return fd_.value(); }
    /// Reads what the kernel has queued and tells what is to be scanned.
    void read_into(DirtyScopes& dirty);

private:
    void note(const inotify_event& event, std::string_view name, DirtyScopes& dirty);

    loop::UniqueFd fd_;
    std::unordered_map<int, std::string> below_;
    std::set<std::string, std::less<>> names_; ///< of files that configurations source
    std::string reason_;
};

} // namespace ctys::agent
