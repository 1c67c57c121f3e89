#pragma once

#include "mesh/core/event.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace ctys::sim {

/// A VM directory on some storage.
struct Directory {
    VmId uuid;
    std::string label;
    std::optional<Duration> grace;
    bool wrapper_works = true;
    OnStop on_stop = OnStop::Shutdown;
    // What `ctys suspend` makes of it.
    std::string format = "qcow2";
    bool takes_notes = true; ///< false: nothing can be written beside its configuration
    bool loads = true;       ///< false: QEMU cannot read the snapshot
    bool noted = false;
    std::optional<std::uint64_t> snapshot = {}; ///< `moves` when it was saved
    std::map<std::string, WallTime> named = {}; ///< snapshots that people made
    std::uint64_t moves = 0;                    ///< how often its guest was let go on
    bool is_touched = false; ///< by a process past ctys, or by two at once: nothing holds then
    std::vector<std::string> start_after = {};
};

/// One real storage; several workers may reach it. Two storages may carry the same marker: one is
/// then a copy of the other.
struct Storage {
    PoolId marker;
    bool has_locks = true;                        ///< QEMU's image lock stops a second process
    std::map<std::string, Directory> directories; ///< by path below the marker
    std::set<std::string> nonces;
};

/// A storage as one worker sees it.
struct Mount {
    std::string root;
    Storage* storage = nullptr;
};

/// What a scan of the mount publishes about one directory.
[[nodiscard]] inline Event seen(const Mount& mount, const std::string& below) {
    const auto& directory = mount.storage->directories.at(below);
    VmRecord vm;
    vm.id = directory.uuid;
    vm.label = directory.label;
    vm.grace = directory.grace;
    vm.on_stop = directory.on_stop;
    vm.start_after = directory.start_after;
    PathRecord path;
    path.vm = directory.uuid;
    path.config = fmt::format("{}/{}/{}.ctys", mount.root, below, directory.label);
    path.wrapper = fmt::format("{}/{}/{}.sh", mount.root, below, directory.label);
    path.pool_root = mount.root;
    path.storage = {.pool = mount.storage->marker,
                    .below = below,
                    .inode = 0,
                    .filesystem = "ext4",
                    .source = {}};
    path.config_digest = directory.uuid.uuid.bytes[0] + 1U;
    Event event{.kind = EventKind::PathSeen};
    event.vm = vm.id;
    event.label = vm.label;
    event.payload = PathFacts{std::move(vm), std::move(path)};
    return event;
}

} // namespace ctys::sim
