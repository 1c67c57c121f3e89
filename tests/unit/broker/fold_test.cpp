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

namespace {

/// What an agent that has no monitor of the process knows of it.
Event foreign(const std::string& worker, VmState state) {
    auto event = news(worker, 5, state);
    auto row = std::get<InstanceRecord>(event.payload);
    if (row.ended) row.ended->by = EndedBy::Unknown;
    event.payload = row;
    return event;
}

msg::Publish publish_one(const std::string& worker, std::uint64_t first, VmState state) {
    return {.stream = Bench::stream(worker),
            .first = first,
            .events = {schema::encode_event(foreign(worker, state))}};
}

/// A whole exchange that names the process as one that runs.
void exchange_running(Bench& bench, const std::string& worker) {
    auto hello = Bench::hello(worker, "host", {});
    hello.worker.boot = boot;
    bench.say(worker, hello);
    auto facts = publish_one(worker, 1, VmState::Running);
    facts.full = facts.last = true;
    bench.say(worker, facts);
}

} // namespace

TEST_CASE("no exchange of an agent that was frozen raises whose end is told", "[broker]") {
    Bench bench;
    join(bench, "w1");
    join(bench, "w2");
    bench.say("w1", publish_one("w1", 1, VmState::Running));
    bench.say("w2", publish_one("w2", 1, VmState::Running));
    bench.say("w2", publish_one("w2", 2, VmState::Gone));
    REQUIRE(bench.recorded_of(EventKind::Gone).size() == 1);
    bench.clear();

    exchange_running(bench, "w1");
    CHECK(bench.recorded_of(EventKind::Running).empty());
    bench.say("w1", publish_one("w1", 2, VmState::Gone));

    CHECK(bench.recorded_of(EventKind::Gone).empty());
    CHECK(bench.store().leases().empty());
}

TEST_CASE("an exchange raises what was only declared dead with another agent", "[broker]") {
    Bench bench;
    join(bench, "w1");
    join(bench, "w2");
    bench.say("w1", publish_one("w1", 1, VmState::Running));
    bench.say("w2", publish_one("w2", 1, VmState::Running));
    for (int i = 0; i < 11; ++i) {
        bench.tick();
        bench.say("w1", msg::Pong{});
    }
    bench.say("ann", msg::Administer{.what = msg::Administer::What::FenceWorker, .subject = "w2"});
    REQUIRE(bench.recorded_of(EventKind::WorkerFenced).size() == 1);

    exchange_running(bench, "w1");

    const auto rows = bench.store().instances(Bench::vm("web"));
    REQUIRE(rows.size() == 1);
    CHECK(is_live(rows[0].state));
}
