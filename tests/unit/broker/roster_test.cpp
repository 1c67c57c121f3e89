#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;
using std::chrono::seconds;

TEST_CASE("a worker is found by name before anybody's host", "[broker]") {
    Bench bench;
    bench.call("lab", "elsewhere");
    bench.call("w2", "lab");

    const auto found = bench.core().roster().require_name("lab");

    REQUIRE(found);
    CHECK((*found)->record.host == "elsewhere");
}

TEST_CASE("a host names the only worker on it", "[broker]") {
    Bench bench;
    bench.call("w1", "lab01");
    bench.call("w2", "lab02");

    const auto found = bench.core().roster().require_name("lab02");

    REQUIRE(found);
    CHECK((*found)->record.name == "w2");
}

TEST_CASE("a host with two workers is ambiguous and lists both", "[broker]") {
    Bench bench;
    bench.call("w1", "lab01");
    bench.call("w2", "lab01");

    const auto found = bench.core().roster().require_name("lab01");

    REQUIRE_FALSE(found);
    CHECK(found.error().code == ErrorCode::Ambiguous);
    CHECK(found.error().evidence.size() == 2);
}

TEST_CASE("two workers of one name are told apart by their ids", "[broker]") {
    Bench bench;
    bench.say("one", Bench::hello("w1", "lab01", Bench::named(9, "one")));
    bench.say("two", Bench::hello("w1", "lab02", Bench::named(9, "two")));

    CHECK(bench.core().roster().require_name("w1").error().code == ErrorCode::Ambiguous);
    const auto found = bench.core().roster().require_name(Bench::named(9, "two").to_string());
    REQUIRE(found);
    CHECK((*found)->record.host == "lab02");
}

TEST_CASE("a silent worker is suspect after three seconds and lost after ten", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    const auto state = [&] {
        return bench.core().roster().find(Bench::worker("w1"))->record.state;
    };

    bench.tick();
    bench.tick();
    CHECK(state() == WorkerState::Alive);
    bench.tick();
    CHECK(state() == WorkerState::Suspect);
    for (int i = 0; i < 7; ++i)
        bench.tick();
    CHECK(state() == WorkerState::Lost);
}

TEST_CASE("a broker that was stopped does not take its own sleep for silence", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    bench.tick();
    bench.clear();

    bench.tick(seconds{20});

    CHECK(bench.recorded_of(EventKind::WorkerSuspect).empty());
    CHECK(bench.recorded_of(EventKind::WorkerLost).empty());
    bench.tick();
    bench.tick();
    CHECK(bench.recorded_of(EventKind::WorkerSuspect).size() == 1);
}

TEST_CASE("who forgot a worker, and why, is in the journal", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    for (int i = 0; i < 10; ++i)
        bench.tick();

    bench.say("ann",
              msg::Administer{
                  .what = msg::Administer::What::ForgetWorker, .subject = "w1", .reason = "sold"});

    const auto events = bench.recorded_of(EventKind::WorkerForgotten);
    REQUIRE(events.size() == 1);
    CHECK(events[0].by == "ann");
    CHECK(events[0].data == decltype(events[0].data){{"reason", "sold"}});
}
