// Orders in the first seconds of a broker's life.

#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;
using std::chrono::seconds;

TEST_CASE("a start waits for a worker that the store knows, and for what it runs", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.restart();
    bench.clear();

    bench.say("ann", Bench::start(1, "web"));
    CHECK(bench.sent.empty());
    bench.call("w1");
    CHECK(bench.told<msg::Accepted>("ann").empty());
    bench.exchange("w1", {"web"});

    REQUIRE(bench.told<msg::Accepted>("ann").size() == 1);
    CHECK(bench.told<msg::Accepted>("ann")[0].worker == "w1");
    CHECK(bench.told<msg::Command>("w1").size() == 1);
}

TEST_CASE("a start that waits in vain is refused ten seconds after the broker began", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.restart();
    bench.clear();

    bench.say("ann", Bench::start(1, "web"));
    for (int i = 0; i < 9; ++i)
        bench.tick();
    CHECK(bench.told<msg::Failure>("ann").empty());
    bench.tick();

    REQUIRE(bench.told<msg::Failure>("ann").size() == 1);
    CHECK(bench.told<msg::Failure>("ann")[0].error.code == ErrorCode::Unreachable);
}

TEST_CASE("an order that is sent again while it waits is one order", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.restart();
    bench.clear();

    bench.say("ann", Bench::start(1, "web"), Role::Operator, 1);
    bench.say("ann", Bench::start(1, "web"), Role::Operator, 2);
    bench.join("w1", {"web"});

    CHECK(bench.told<msg::Accepted>("ann").size() == 1);
    CHECK(bench.recorded_of(EventKind::ActionRequested).size() == 1);
}

TEST_CASE("an order of somebody who has gone is dropped while it waits", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.restart();
    bench.clear();

    bench.say("ann", Bench::start(1, "web"));
    bench.step(PeerGone{"ann"});
    bench.join("w1", {"web"});

    CHECK(bench.recorded_of(EventKind::ActionRequested).empty());
}

TEST_CASE("no more than 1024 orders wait", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.restart();
    bench.clear();

    for (std::uint64_t id = 1; id <= HeldOrders::most + 3; ++id)
        bench.say("ann", Bench::start(id, "web"));

    CHECK(bench.told<msg::Failure>("ann").size() == 3);
}

TEST_CASE("while a worker is awaited another one that can run the VM is chosen", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.join("w2", {"web"});
    for (auto path : bench.store().paths(Bench::vm("web"))) {
        path.health = PathHealth::Good; // proven in the life before
        REQUIRE(bench.store().commit({Put{std::make_shared<const Record>(path)}}));
    }
    bench.restart();
    bench.clear();
    bench.say("ann", Bench::start(1, "web"));

    bench.join("w2", {"web"});

    REQUIRE(bench.told<msg::Accepted>("ann").size() == 1);
    CHECK(bench.told<msg::Accepted>("ann")[0].worker == "w2");
}

TEST_CASE("in a doubtful journal a start waits for every worker", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.join("w2", {"db"});
    bench.store().begin_epoch(2);
    bench.restart();
    bench.clear();

    bench.join("w1", {"web"});
    bench.say("ann", Bench::start(1, "web"));
    CHECK(bench.told<msg::Accepted>("ann").empty());
    bench.join("w2", {"db"});

    CHECK(bench.told<msg::Accepted>("ann").size() == 1);
    CHECK_FALSE(bench.store().load().doubtful);
}

TEST_CASE("a worker that was told of more than the journal has begins a new epoch", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    auto hello = Bench::hello("w1", "host", {});
    hello.acknowledged = Cursor{1, 1000};

    bench.say("w1", hello);

    REQUIRE(bench.epochs.size() == 1);
    CHECK(bench.epochs[0].older == 1);
    bench.clear();
    bench.say("ann", Bench::start(1, "web"));
    CHECK(bench.sent.empty()); // it decides nothing any more
}
