// What the inventory makes of the news of several agents on one machine.

#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;

namespace {

const BootId boot{Bench::named(8, "machine")};

/// Two agents on one machine: each sees every process.
void join(Bench& bench, const std::string& name) {
    auto hello = Bench::hello(name, "host", {});
    hello.worker.boot = boot;
    bench.say(name, hello);
    bench.exchange(name, {"web"});
}

Event news(const std::string& worker, std::uint32_t pid, VmState state) {
    Event event{.kind = kind_of(state), .worker = Bench::worker(worker)};
    event.vm = Bench::vm("web");
    event.label = "web";
    InstanceRecord row;
    row.vm = event.vm;
    row.worker = event.worker;
    row.label = "web";
    row.key = {.boot = boot, .pid = pid, .start_ticks = pid};
    row.state = state;
    row.since = WallTime{pid};
    if (!is_live(state))
        row.ended = Ending{.by = EndedBy::Guest, .detail = {}, .at = WallTime{pid}};
    event.payload = row;
    return event;
}

/// The processes with pids up to `last` came and went, one after the other.
msg::Publish came_and_went(const std::string& worker, std::uint32_t last) {
    msg::Publish publish{.stream = Bench::stream(worker), .first = 1};
    for (std::uint32_t pid = 1; pid <= last; ++pid) {
        publish.events.push_back(schema::encode_event(news(worker, pid, VmState::Running)));
        publish.events.push_back(schema::encode_event(news(worker, pid, VmState::Gone)));
    }
    return publish;
}

} // namespace

TEST_CASE("an agent that was away raises nobody whose end the other one told", "[broker]") {
    Bench bench;
    join(bench, "w1");
    join(bench, "w2");
    bench.say("w2", came_and_went("w2", 3));
    REQUIRE(bench.recorded_of(EventKind::Gone).size() == 3);
    bench.clear();

    bench.say("w1", came_and_went("w1", 3));

    CHECK(bench.recorded.empty());
    CHECK(bench.store().leases().empty());
}

TEST_CASE("an agent that still catches up shows nobody as running whose end is known", "[broker]") {
    Bench bench;
    join(bench, "w1");
    join(bench, "w2");
    bench.say("w2", came_and_went("w2", 2));
    auto late = came_and_went("w1", 2);
    late.events.resize(3); // the last one: the second process begins

    bench.say("w1", late);

    for (const auto& row : bench.store().instances(Bench::vm("web"))) {
        CHECK_FALSE(is_live(row.state));
    }
    CHECK(bench.store().instances(Bench::vm("web")).size() == 2);
}

TEST_CASE("of a VM on a machine with several agents 16 ended instances are kept", "[broker]") {
    Bench bench;
    join(bench, "w1");
    join(bench, "w2");

    bench.say("w2", came_and_went("w2", 40));

    const auto rows = bench.store().instances(Bench::vm("web"));
    REQUIRE(rows.size() == Folder::most_ended);
    for (const auto& row : rows) {
        CHECK(row.key.pid > 40 - Folder::most_ended);
    }
}

TEST_CASE("of a VM on a machine with one agent the last ended instance is kept", "[broker]") {
    Bench bench;
    join(bench, "w1");

    bench.say("w1", came_and_went("w1", 3));

    const auto rows = bench.store().instances(Bench::vm("web"));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].key.pid == 3);
}

TEST_CASE("no agent of another machine ends a process", "[broker]") {
    Bench bench;
    join(bench, "w1");
    bench.join("w2", {});
    bench.say("w1",
              msg::Publish{.stream = Bench::stream("w1"),
                           .first = 1,
                           .events = {schema::encode_event(news("w1", 5, VmState::Running))}});
    REQUIRE(bench.store().leases().size() == 1);
    bench.clear();

    bench.say("w2",
              msg::Publish{.stream = Bench::stream("w2"),
                           .first = 1,
                           .events = {schema::encode_event(news("w2", 5, VmState::Stopped))}});

    CHECK(bench.recorded.empty());
    CHECK(bench.store().leases().size() == 1);
}
