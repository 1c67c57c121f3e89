#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;

namespace {

/// What a watcher is given, as "1", or "2-3" for a gap.
std::vector<std::string> shown(const Bench& bench) {
    std::vector<std::string> lines;
    for (const auto& message : bench.told<msg::WatchEvents>("ann")) {
        for (const auto& item : message.items) {
            if (const auto* event = std::get_if<msg::WatchItem>(&item))
                lines.push_back(std::to_string(event->cursor.sequence));
            if (const auto* gap = std::get_if<msg::Gap>(&item))
                lines.push_back(fmt::format("{}-{}", gap->from.sequence, gap->to.sequence));
        }
    }
    return lines;
}

msg::Watch from_beginning(std::uint32_t credit) {
    return {.filters = {},
            .from = msg::WatchFrom::Beginning,
            .cursor = {},
            .time = {},
            .credit = credit};
}

} // namespace

TEST_CASE("records that are missing in the journal are shown as a gap", "[broker]") {
    Bench bench;
    bench.join("w1", {"a", "b", "c", "d"}); // registered, and four paths
    bench.store().lose(2);
    bench.store().lose(3);

    SECTION("with credit enough") {
        bench.say("ann", from_beginning(100));
        CHECK(shown(bench) == std::vector<std::string>{"1", "2-3", "4", "5"});
    }
    SECTION("with credit that ends behind the gap") {
        bench.say("ann", from_beginning(2));
        CHECK(shown(bench) == std::vector<std::string>{"1", "2-3"});
        bench.say("ann", msg::Credit{2});
        CHECK(shown(bench) == std::vector<std::string>{"1", "2-3", "4", "5"});
    }
}

TEST_CASE("a watch outlives a stop of the broker itself", "[broker]") {
    Bench bench;
    bench.tick();
    bench.say("ann", from_beginning(100));

    bench.tick(std::chrono::seconds{40});

    CHECK(bench.store().range().second == 0);
    bench.clear();
    bench.say("ann", msg::Credit{0});
    CHECK(bench.told<msg::Failure>("ann").empty());
    for (int i = 0; i < 32; ++i)
        bench.tick();
    bench.say("ann", msg::Credit{0});
    CHECK(bench.told<msg::Failure>("ann").size() == 1);
}
