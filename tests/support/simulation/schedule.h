#pragma once

#include "mesh/core/time.h"

#include <functional>
#include <map>

namespace ctys::sim {

/// Virtual time: what is to happen, in order of time and then of being planned.
class Schedule {
public:
    using Deed = std::function<void()>;

    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] Now clock() const { return {now_, start_ + now_.since_start}; }
    void at(Instant time, Deed deed) {
        planned_.emplace(std::pair{std::max(time, now_), ++number_}, std::move(deed));
    }
    void after(Duration span, Deed deed) { at(now_ + span, std::move(deed)); }
    /// Does everything that is due up to `end`, then stands at `end`.
    void run_until(Instant end) {
        while (!planned_.empty() && planned_.begin()->first.first <= end) {
            auto next = planned_.extract(planned_.begin());
            now_ = next.key().first;
            next.mapped()();
        }
        now_ = std::max(now_, end);
    }

private:
    /// 2026-01-01T00:00:00Z: logs of scenarios are the same for ever.
    WallTime start_{1767225600000000};
    Instant now_;
    std::uint64_t number_ = 0;
    std::map<std::pair<Instant, std::uint64_t>, Deed> planned_;
};

} // namespace ctys::sim
