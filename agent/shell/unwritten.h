#pragma once

#include "agent/core/effects.h"

#include <map>
#include <vector>

namespace ctys::agent {

/// Units of the spool that could not be written, in their order, until they can be. Bounded: beyond
/// `limit` bytes of events the oldest events are let go, which the core keeps in memory for as long
/// as its own bound allows and the broker sees as a gap after that; what is to be done stays, but
/// beyond `most_deeds` the oldest messages go too, which their askers repeat.
class Unwritten {
public:
    static constexpr std::size_t most_deeds = 16384;

    explicit Unwritten(std::size_t limit) : limit_(limit) {}

    [[nodiscard]] bool empty() const { return units_.empty(); }
    [[nodiscard]] std::size_t event_bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t dropped_events() const { return dropped_; }

    /// `number` orders the units.
    void put(std::uint64_t number, Spool unit);
    /// All, oldest first; none are left.
    [[nodiscard]] std::vector<std::pair<std::uint64_t, Spool>> take();

private:
    void let_go();

    std::size_t limit_;
    std::map<std::uint64_t, Spool> units_;
    std::size_t bytes_ = 0;
    std::size_t deeds_ = 0;
    std::uint64_t dropped_ = 0;
};

} // namespace ctys::agent
