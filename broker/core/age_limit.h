#pragma once

#include "mesh/core/time.h"

#include <algorithm>
#include <optional>

namespace ctys::broker {

/// Up to where age retention may cut the journal. What becomes due as time passes goes at once; of
/// what is overdue, because the clock jumped or the limit was lowered, one hour's worth per hour: a
/// clock that is wrong for a minute empties nothing (DESIGN: Journal).
class AgeLimit {
public:
    explicit AgeLimit(Duration age) : age_(age) {}

    /// `oldest`: recorded time of the oldest event. Records before the answer may go.
    [[nodiscard]] WallTime cut(WallTime oldest, Now now) {
        const auto due = now.wall - age_;
        const auto passed = asked_ ? now.instant - *asked_ : Duration{};
        asked_ = now.instant;
        // Hours without events cost nothing.
        cut_ = std::min(due, std::max(cut_ + 2 * passed, oldest));
        return cut_;
    }

private:
    Duration age_;
    WallTime cut_;
    std::optional<Instant> asked_;
};

} // namespace ctys::broker
