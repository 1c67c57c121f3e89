#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;

namespace {

const PoolId pool{Bench::named(8, "pool")};

void join_with_pool(Bench& bench, const std::string& name) {
    auto hello = Bench::hello(name, "host", {});
    hello.worker.pools = {PoolReport{.root = "/pool/" + name, .id = pool}};
    bench.say(name, hello);
    bench.exchange(name, {});
}

} // namespace

TEST_CASE("of two workers with one pool the first writes what the second must find", "[broker]") {
    Bench bench;
    join_with_pool(bench, "w1");
    join_with_pool(bench, "w2");

    const auto asked = bench.told<msg::ProveStorage>("w1");

    REQUIRE(asked.size() == 1);
    CHECK(asked[0].write);
    bench.say(
        "w1",
        msg::StorageProof{.pool = pool, .nonce = asked[0].nonce, .write = true, .found = true});
    REQUIRE(bench.told<msg::ProveStorage>("w2").size() == 1);
    CHECK_FALSE(bench.told<msg::ProveStorage>("w2")[0].write);
}

TEST_CASE("a pool waits for the worker it is compared with, and is proven on its return",
          "[broker]") {
    Bench bench;
    join_with_pool(bench, "w1");
    for (int i = 0; i < 10; ++i)
        bench.tick();
    bench.step(PeerGone{"w1"});
    join_with_pool(bench, "w2");
    for (int i = 0; i < 60; ++i) {
        bench.tick();
        bench.say("w2", msg::Pong{});
    }
    CHECK(bench.told<msg::ProveStorage>("w1").empty());

    join_with_pool(bench, "w1");

    REQUIRE(bench.told<msg::ProveStorage>("w1").size() == 1);
    CHECK(bench.told<msg::ProveStorage>("w1")[0].write);
}
