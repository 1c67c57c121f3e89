#pragma once

#include "agent/scan_helper/directory.h"
#include "agent/scanner/helper_protocol.h"

#include <set>
#include <string>

namespace ctys::agent {

/// The root of a pool, opened for one scan.
struct PoolRoot {
    loop::UniqueFd fd;
    std::string path; ///< canonical, without links
    PoolFacts facts;
    std::set<std::string> foreign_mounts; ///< below the root, relative: never entered
};

/// Opens the root, links followed, and reads its marker; writes one where it may and there is
/// none. What keeps a marker from being written is a fact, no error. Errors: NotFound, Refused,
/// Failed.
[[nodiscard]] Result<PoolRoot> open_pool_root(const std::string& path, bool may_mark);

/// What is mounted where an open directory lies. Reads /proc only.
[[nodiscard]] MountFacts mount_of(int directory);

} // namespace ctys::agent
