#include "agent/shell/unwritten.h"

#include <iterator>
#include <utility>

namespace ctys::agent {

void Unwritten::put(std::uint64_t number, Spool unit) {
    for (const auto& event : unit.events) {
        bytes_ += event.bytes->size();
    }
    deeds_ += unit.then.size();
    units_.insert_or_assign(number, std::move(unit));
    let_go();
}

void Unwritten::let_go() {
    const auto is_over = [&] { return bytes_ > limit_ || deeds_ > most_deeds; };
    for (auto at = units_.begin(); at != units_.end() && is_over();) {
        auto& unit = at->second;
        if (bytes_ > limit_) {
            for (const auto& event : unit.events) {
                bytes_ -= event.bytes->size();
            }
            dropped_ += unit.events.size();
            unit.events.clear();
        }
        if (deeds_ > most_deeds) {
            deeds_ -= std::erase_if(
                unit.then, [](const Deed& deed) { return std::holds_alternative<ToBroker>(deed); });
        }
        // A unit with nothing left in it but its end says nothing that the next does not say.
        const bool is_idle =
            unit.events.empty() && unit.then.empty() && unit.begun.empty() && unit.ended.empty();
        at = is_idle ? units_.erase(at) : std::next(at);
    }
}

std::vector<std::pair<std::uint64_t, Spool>> Unwritten::take() {
    std::vector<std::pair<std::uint64_t, Spool>> out;
    for (auto& [number, unit] : units_) {
        out.emplace_back(number, std::move(unit));
    }
    units_.clear();
    bytes_ = 0;
    deeds_ = 0;
    return out;
}

} // namespace ctys::agent
