#include "broker/core/step_circles.h"

namespace ctys::broker {

// Depth first, and not recursive: a chain is as long as its steps are many.
std::vector<std::pair<std::uint32_t, std::uint32_t>>
closing_waits(const std::vector<std::vector<std::uint32_t>>& after) {
    enum class Seen : std::uint8_t { No, OnTheWay, Done };
    struct Visit {
        std::uint32_t at;
        std::size_t next = 0;
    };
    std::vector<std::pair<std::uint32_t, std::uint32_t>> closing;
    std::vector<Seen> seen(after.size());
    std::vector<Visit> way;
    for (std::uint32_t first = 0; first < after.size(); ++first) {
        if (seen[first] != Seen::No) continue;
        seen[first] = Seen::OnTheWay;
        way.push_back({.at = first});
        while (!way.empty()) {
            const auto at = way.back().at;
            if (way.back().next == after[at].size()) {
                seen[at] = Seen::Done;
                way.pop_back();
                continue;
            }
            const auto before = after[at][way.back().next++];
            if (before >= after.size()) continue;
            if (seen[before] == Seen::OnTheWay) closing.emplace_back(at, before);
            if (seen[before] != Seen::No) continue;
            seen[before] = Seen::OnTheWay;
            way.push_back({.at = before});
        }
    }
    return closing;
}

} // namespace ctys::broker
