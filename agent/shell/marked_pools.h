#pragma once

#include "mesh/core/error.h"

#include <set>
#include <string>

namespace ctys::agent {

/// Roots at which a pool marker was seen, kept over a restart of the agent: an empty mount point
/// must not get the marker of a pool whose storage is missing, also if that holds no VM.
class MarkedPools {
public:
    /// One root a line; a file that is not there or cannot be read is none.
    [[nodiscard]] static MarkedPools load(std::string path);

    [[nodiscard]] bool contains(const std::string& root) const { return roots_.contains(root); }
    /// Written where it changes something. Errors: Storage.
    [[nodiscard]] Status set(const std::string& root, bool marked);

private:
    std::string path_;
    std::set<std::string> roots_;
};

} // namespace ctys::agent
