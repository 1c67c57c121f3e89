#include "agent/shell/unwritten.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

namespace {

Spool unit_of(std::uint64_t last, std::size_t bytes) {
    Spool unit{.last_sequence = last};
    unit.events.push_back(
        {.sequence = last, .bytes = std::make_shared<const std::vector<std::byte>>(bytes)});
    return unit;
}

} // namespace

TEST_CASE("units that wait for the disk come back in their order", "[agent]") {
    Unwritten unwritten{1000};
    unwritten.put(3, unit_of(30, 10));
    unwritten.put(1, unit_of(10, 10)); // it failed, after the other had found the queue full
    unwritten.put(2, unit_of(20, 10));

    std::vector<std::uint64_t> order;
    for (const auto& [number, unit] : unwritten.take()) {
        order.push_back(unit.last_sequence);
    }

    CHECK(order == std::vector<std::uint64_t>{10, 20, 30});
    CHECK(unwritten.empty());
    CHECK(unwritten.event_bytes() == 0);
}

TEST_CASE("beyond the bound the oldest events are let go, and no deed", "[agent]") {
    Unwritten unwritten{1000};
    auto first = unit_of(1, 600);
    first.then.push_back(SignalProcess{.key = {}, .signal = 9});
    first.begun.push_back({.action = {5}});
    unwritten.put(1, std::move(first));
    unwritten.put(2, unit_of(2, 600));
    unwritten.put(3, unit_of(3, 400));

    CHECK(unwritten.event_bytes() == 1000);
    CHECK(unwritten.dropped_events() == 1);
    const auto units = unwritten.take();
    REQUIRE(units.size() == 3);
    CHECK(units[0].second.events.empty());
    CHECK(units[0].second.then.size() == 1);
    CHECK(units[0].second.begun.size() == 1);
}

TEST_CASE("messages that wait for the disk are bounded", "[agent]") {
    Unwritten unwritten{1000};
    for (std::uint64_t number = 1; number <= 2 * Unwritten::most_deeds; ++number) {
        Spool unit;
        unit.then.push_back(ToBroker{});
        unwritten.put(number, std::move(unit));
    }
    const auto units = unwritten.take();
    CHECK(units.size() <= Unwritten::most_deeds);
    CHECK(units.back().first == 2 * Unwritten::most_deeds);
}
