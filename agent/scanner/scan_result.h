#pragma once

#include "agent/scanner/helper_protocol.h"
#include "mesh/core/vm.h"
#include "mesh/core/worker.h"

#include <string>
#include <variant>
#include <vector>

namespace ctys::agent {

/// One configuration as a scan found it.
struct FoundVm {
    VmRecord vm;
    PathRecord path;                   ///< first_seen and last_seen are left to the agent
    std::vector<std::string> warnings; ///< for people; at most 32
    bool ignored = false;              ///< MAGICID-IGNORE or MAGICID-NOENUM: known, never offered

    bool operator==(const FoundVm&) const = default;
};

/// A pool as the last scan found it.
struct PoolScan {
    PoolReport pool;
    MountFacts mount;
    MarkerFacts marker;
    std::vector<NestedMarker> nested; ///< at most 256
    std::vector<ScanRemark> remarks;  ///< at most 64
    std::uint64_t remarks_left_out = 0;
    std::uint64_t directories = 0;
    bool watching = false;      ///< changes are seen as they happen
    std::string polling_reason; ///< why the pool is polled instead

    bool operator==(const PoolScan&) const = default;
};

// What a scan changed, as events to be.
struct PathFound {
    FoundVm found; ///< new, or back
};
struct PathAltered {
    FoundVm found;
};
struct PathGone {
    std::string config;
    VmId vm;
};
/// The facts are as they were, the health is not.
struct PathHealthAltered {
    std::string config;
    VmId vm;
    PathHealth health = PathHealth::Good;
    std::string reason;
};
using PathChange = std::variant<PathFound, PathAltered, PathGone, PathHealthAltered>;
using PathChanges = std::vector<PathChange>;

} // namespace ctys::agent
