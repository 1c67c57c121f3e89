#pragma once

#include "agent/scanner/inventory_diff.h"
#include "agent/scanner/scan_result.h"
#include "mesh/core/event.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ctys::agent {

/// The configurations this worker knows, and the events that changes of them make. Kept over a
/// restart of the agent, so that what was known before is no news, and what vanished meanwhile is.
class PathBook {
public:
    void load(std::vector<PathFacts> facts);
    /// For Scanner::add_pool: everything below `root`, to be reported anew.
    [[nodiscard]] std::vector<KnownPath> known_below(const std::string& root) const;
    [[nodiscard]] const PathFacts* find(const std::string& config) const;
    [[nodiscard]] std::vector<PathFacts> all() const;

    /// Events of what really changed; `root` is the pool.
    [[nodiscard]] std::vector<Event>
    apply(const std::string& root, PathChanges changes, WallTime now);

private:
    std::optional<Event> found(const std::string& root, FoundVm found, WallTime now);
    std::optional<Event>
    gone(const std::string& config, PathHealth health, const std::string& reason, WallTime now);

    std::map<std::string, PathFacts> paths_;
};

} // namespace ctys::agent
