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
    for (int i = 0; i < 10; ++i)
        bench.tick();
    bench.say("two", Bench::hello("w1", "lab02", Bench::named(9, "two")));

    CHECK(bench.core().roster().require_name("w1").error().code == ErrorCode::Ambiguous);
    const auto found = bench.core().roster().require_name(Bench::named(9, "two").to_string());
    REQUIRE(found);
    CHECK((*found)->record.host == "lab02");
}

namespace {

msg::AgentHello hello_of_another(const std::string& state_folder) {
    auto hello = Bench::hello("w1", "lab02", Bench::named(9, state_folder));
    hello.worker.nonce = {Bench::named(10, state_folder)};
    return hello;
}

} // namespace

TEST_CASE("a second live agent of one name is refused and shown", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});

    bench.say("other", hello_of_another("other"));
    CHECK(bench.told<msg::Welcome>("other").empty());
    bench.say("w1", msg::Pong{});

    const auto refused = bench.told<msg::Failure>("other");
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
    CHECK(refused[0].error.message ==
          "duplicate worker: w1 is registered by another live agent on host");
    CHECK(refused[0].error.try_next == "give this agent another --name, or end the other one");
    CHECK(bench.core().roster().members().size() == 1);
    CHECK(bench.recorded_of(EventKind::WorkerDuplicate).size() == 1);
    const auto& record = bench.core().roster().find(Bench::worker("w1"))->record;
    CHECK(record.rival == "a second agent of this name, on lab02, is refused");
    for (int i = 0; i < 12; ++i) {
        bench.tick();
        bench.say("w1", msg::Pong{});
    }
    CHECK(record.rival.empty());
}

TEST_CASE("an agent has the name of one that does not answer any more", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});

    bench.say("other", hello_of_another("other"));
    bench.tick();

    CHECK(bench.told<msg::Welcome>("other").size() == 1);
}

TEST_CASE("an agent that ends in order is told as ended at once", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.clear();

    bench.say("w1", msg::Farewell{});

    const auto* member = bench.core().roster().find(Bench::worker("w1"));
    CHECK(state_word(member->record) == "ended");
    CHECK_FALSE(member->reachable());
    const auto told = bench.recorded_of(EventKind::WorkerSuspect);
    REQUIRE(told.size() == 1);
    CHECK(told[0].text == "its agent has ended in order; its VMs go on");
    for (int i = 0; i < 10; ++i)
        bench.tick();
    CHECK(member->record.state == WorkerState::Lost);
    CHECK(state_word(member->record) == "ended");

    bench.call("w1");
    CHECK(state_word(member->record) == "alive");
    CHECK_FALSE(member->record.ended);
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
