#include "broker/core/audit.h"

#include <fmt/format.h>

namespace ctys::broker {

namespace {

void record(Turn& turn, const std::string& by, std::string text) {
    Event event{.kind = EventKind::AuditRefused};
    event.by = by;
    event.text = std::move(text);
    turn.record(std::move(event));
}

} // namespace

void RefusalAudit::on_refused(Turn& turn, const Principal& principal, std::string text) {
    const bool is_own = tallies_.size() < most || tallies_.contains(principal.name);
    const auto name = is_own ? principal.name : std::string{"others"};
    const auto found = tallies_.find(name);
    if (found == tallies_.end()) {
        tallies_.emplace(name, Tally{.recorded = turn.now().instant, .more = 0, .last = {}});
        return record(turn, name, std::move(text));
    }
    if (found->second.more == 0 && turn.now().instant - found->second.recorded >= period) {
        found->second.recorded = turn.now().instant;
        return record(turn, name, std::move(text));
    }
    ++found->second.more;
    found->second.last = std::move(text);
}

void RefusalAudit::on_tick(Turn& turn) {
    for (auto it = tallies_.begin(); it != tallies_.end();) {
        auto& tally = it->second;
        if (turn.now().instant - tally.recorded < period) {
            ++it;
        } else if (tally.more == 0) {
            it = tallies_.erase(it);
        } else {
            record(turn,
                   it->first,
                   tally.more == 1
                       ? std::move(tally.last)
                       : fmt::format("{} times more, the last: {}", tally.more, tally.last));
            tally = Tally{.recorded = turn.now().instant, .more = 0, .last = {}};
            ++it;
        }
    }
}

} // namespace ctys::broker
