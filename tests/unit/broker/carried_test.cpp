// What becomes of VMs when the VM that carries their worker ends, begins anew, or stands still.

#include "tests/unit/broker/carried_stack.h"

using namespace ctys;
using namespace ctys::broker;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("the end of a carrier ends everything inside it at once, by one event each",
          "[carried]") {
    CarriedStack stack;

    stack.ends("rack", "l1", 100);

    const auto ended = stack.bench.recorded_of(EventKind::Stopped);
    REQUIRE(ended.size() == 4); // l1 itself, then what it carried
    for (std::size_t i = 1; i < ended.size(); ++i) {
        CHECK(ended[i].by == "host");
        CHECK(ended[i].data ==
              decltype(ended[i].data){{"reason", "carrier-ended"}, {"inner", "unverified"}});
    }
    CHECK(stack.row("web").ended->detail == "its carrier l1 ended (by signal: SIGKILL)");
    CHECK(stack.row("core").ended->detail ==
          "its carrier web ended (by host: its carrier l1 ended (by signal: SIGKILL))");
    CHECK(stack.row("web").unverified);
    CHECK_FALSE(stack.is_held("web"));
    CHECK_FALSE(stack.is_held("db"));
    CHECK_FALSE(stack.is_held("core"));
    CHECK(stack.state_of("l1") == WorkerState::Lost);
    CHECK(stack.state_of("deep") == WorkerState::Lost);
    CHECK(stack.told(EventKind::WorkerLost).front() ==
          "l1: its carrier l1 ended (by signal: SIGKILL)");
    CHECK(stack.state_of("rack") == WorkerState::Alive);
}

TEST_CASE("a reset or a panic of a carrier ends what it carried, and not the carrier",
          "[carried]") {
    CarriedStack stack;
    SECTION("reset") {
        stack.resets("rack", "l1");
        CHECK(stack.row("web").ended->detail == "its carrier l1 was reset");
    }
    SECTION("panic") {
        stack.becomes("rack", "l1", 100, VmState::Paused, "panicked");
        CHECK(stack.row("web").ended->detail == "its carrier l1 panicked");
    }
    SECTION("the way back to a snapshot") {
        stack.becomes("rack", "l1", 100, VmState::Paused, "restoring");
        CHECK(stack.row("web").state == VmState::Frozen);
        auto back = stack.news("rack", "l1", 100, VmState::Paused);
        back.kind = EventKind::Reverted;
        stack.publish("rack", back);
        stack.becomes("rack", "l1", 100, VmState::Running);
        CHECK(stack.row("web").ended->detail == "its carrier l1 was taken back to a snapshot");
    }
    SECTION("a power-off that leaves its process") {
        stack.becomes("rack", "l1", 100, VmState::Paused, "shutdown");
        CHECK(stack.row("web").ended->detail == "its carrier l1 has powered off");
    }
    CHECK(stack.row("web").reason == "carrier-reset");
    CHECK(is_live(stack.row("l1").state));
    CHECK(stack.state_of("l1") == WorkerState::Lost);
    CHECK(stack.bench.recorded_of(EventKind::Stopped).size() == 3);

    stack.resets("rack", "l1"); // QEMU says it twice, by host and by guest

    CHECK(stack.bench.recorded_of(EventKind::Stopped).size() == 3);
    CHECK(stack.bench.recorded_of(EventKind::WorkerLost).size() == 2);
}

TEST_CASE("a reset told by a worker on which the VM does not run changes nothing", "[carried]") {
    CarriedStack stack;
    stack.join("evil", {});
    stack.bench.clear();

    stack.resets("evil", "l1");

    CHECK(stack.bench.recorded_of(EventKind::Stopped).empty());
    CHECK(stack.state_of("l1") == WorkerState::Alive);
}

TEST_CASE("what an inner agent said on its way out does not raise it", "[carried]") {
    CarriedStack stack;
    stack.ends("rack", "l1", 100);
    stack.bench.clear();

    stack.bench.say("l1", msg::Pong{});
    stack.runs("l1", "late", 202);

    CHECK(stack.state_of("l1") == WorkerState::Lost);
    CHECK(stack.bench.recorded.empty());
    CHECK(stack.bench.told<msg::Failure>("l1").size() == 2); // "say hello again"
}

TEST_CASE("an inner agent that lives on is believed, and a conflict is shown", "[carried]") {
    CarriedStack stack;
    stack.ends("rack", "l1", 100);
    stack.join("other", {});
    stack.runs("other", "web", 7); // started elsewhere meanwhile
    REQUIRE(stack.is_held("web"));
    stack.bench.clear();

    const auto web = stack.news("l1", "web", 200, VmState::Running);
    const auto db = stack.news("l1", "db", 201, VmState::Running);
    auto hello = Bench::hello("l1", "l1", {});
    hello.worker.platform = Bench::vm("l1").uuid;
    hello.worker.boot = stack.boot_of("l1");
    hello.end.sequence = 2;
    stack.bench.say("l1", hello);
    stack.exchange("l1", {web, db});

    CHECK(stack.state_of("l1") == WorkerState::Alive);
    CHECK(stack.row("db").state == VmState::Running);
    CHECK_FALSE(stack.row("db").unverified);
    CHECK(stack.is_held("db"));
    REQUIRE(stack.bench.recorded_of(EventKind::Conflict).size() == 1);
    CHECK(stack.bench.recorded_of(EventKind::Conflict).front().label == "web");
    CHECK(stack.bench.core().leases().find(Bench::vm("web"))->worker == Bench::worker("other"));
}

TEST_CASE("late news of an end of a carrier that runs again harm nobody", "[carried]") {
    CarriedStack stack;
    stack.pass(30, {"rack", "l1", "deep"});
    stack.bench.clear();

    stack.ends("rack", "l1", 100, seconds{20});
    stack.runs("rack", "l1", 101);
    stack.pass(6, {"rack", "l1", "deep"});

    CHECK(stack.state_of("l1") == WorkerState::Alive);
    CHECK(stack.row("web").state == VmState::Running);
    CHECK(stack.bench.recorded_of(EventKind::Stopped).size() == 1);
}

TEST_CASE("late news of a reset before the present boot harm nobody, whatever else is silent",
          "[carried]") {
    CarriedStack stack;
    stack.pass(10, {"rack", "l1", "deep"});
    stack.join("l1", "l1", 1);
    stack.runs("l1", "mail", 210);
    SECTION("of the same life of the broker") {}
    SECTION("of a life before") {
        stack.bench.restart();
        stack.rejoin("rack", {}, {stack.news("rack", "l1", 100, VmState::Running)});
        stack.rejoin("l1", "l1", {stack.news("l1", "mail", 210, VmState::Running)});
    }
    stack.pass(5, {"rack"});
    stack.bench.clear();

    stack.resets("rack", "l1", seconds{9});
    stack.pass(4, {"rack"});

    CHECK(stack.state_of("l1") == WorkerState::Suspect);
    CHECK(is_live(stack.row("mail").state));
    CHECK(stack.bench.recorded_of(EventKind::Stopped).empty());
}

TEST_CASE("where the clocks differ, three seconds of silence confirm the end", "[carried]") {
    CarriedStack stack;
    stack.pass(30, {"rack", "l1", "deep"});

    stack.ends("rack", "l1", 100, seconds{20});
    CHECK(stack.state_of("l1") == WorkerState::Alive);
    stack.pass(4, {"rack"});

    CHECK(stack.state_of("l1") == WorkerState::Lost);
    CHECK(stack.state_of("deep") == WorkerState::Lost);
    CHECK_FALSE(is_live(stack.row("web").state));
    CHECK_FALSE(is_live(stack.row("core").state));
    CHECK_FALSE(stack.is_held("core"));
}

TEST_CASE("the silence of a paused worker confirms nothing", "[carried]") {
    CarriedStack stack;
    stack.pass(30, {"rack", "l1", "deep"});
    stack.ends("rack", "l1", 100, seconds{20});
    stack.runs("rack", "l1", 101);
    stack.becomes("rack", "l1", 101, VmState::Paused);

    stack.pass(30, {"rack"});
    CHECK(stack.row("web").state == VmState::Frozen);
    stack.becomes("rack", "l1", 101, VmState::Running);
    stack.pass(10, {"rack", "l1", "deep"});

    CHECK(stack.state_of("l1") == WorkerState::Alive);
    CHECK(stack.row("web").state == VmState::Running);
}

TEST_CASE("an end that nobody saw waits for the silence of who is inside", "[carried]") {
    CarriedStack stack;
    stack.pass(5, {"rack", "l1", "deep"});

    stack.exchange("rack", {}); // not asked for: nothing
    CHECK(is_live(stack.row("l1").state));
    auto hello = Bench::hello("rack", "rack", {});
    hello.worker.boot = stack.boot_of("rack");
    hello.end.sequence = 1;
    stack.bench.say("rack", hello);
    stack.exchange("rack", {}); // l1 is not named

    CHECK_FALSE(is_live(stack.row("l1").state));
    CHECK(is_live(stack.row("web").state));
    SECTION("silence") {
        stack.pass(4, {"rack"});
        CHECK_FALSE(is_live(stack.row("web").state));
        CHECK_FALSE(stack.is_held("web"));
    }
    SECTION("it speaks on") {
        stack.pass(6, {"rack", "l1", "deep"});
        CHECK(is_live(stack.row("web").state));
        CHECK(stack.is_held("web"));
    }
}

TEST_CASE("what the inner worker had seen before is recorded when it is back", "[carried]") {
    CarriedStack stack;
    stack.ends("rack", "l1", 100);
    auto seen = stack.end_of("l1", "db", 201, milliseconds{100});
    stack.bench.tick();
    stack.bench.clear();

    auto hello = Bench::hello("l1", "l1", {});
    hello.worker.platform = Bench::vm("l1").uuid;
    hello.worker.boot = {Bench::named(8, "another")};
    hello.worker.nonce = {Bench::named(10, "another")};
    hello.end.sequence = 3;
    stack.bench.say("l1", hello);
    stack.publish("l1", seen);
    stack.publish("l1", seen); // and once only
    stack.exchange("l1", {});

    const auto ended = stack.bench.recorded_of(EventKind::Stopped);
    REQUIRE(ended.size() == 1);
    CHECK(ended.front().label == "db");
    CHECK(stack.row("db").ended->by == EndedBy::Signal);
    const auto confirmed = stack.bench.recorded_of(EventKind::WorkerFact);
    REQUIRE(confirmed.size() == 1);
    CHECK(confirmed.front().text == "confirms that web ended with its carrier");
    CHECK(confirmed.front().data == decltype(confirmed.front().data){{"inner", "verified"}});
    CHECK_FALSE(stack.row("web").unverified);
}

TEST_CASE("a paused or suspended carrier freezes what it carries", "[carried]") {
    const auto state = GENERATE(VmState::Paused, VmState::Suspended);
    CarriedStack stack;
    stack.becomes("l1", "db", 201, VmState::Paused);
    stack.bench.clear();

    stack.becomes("rack", "l1", 100, state);

    CHECK(stack.state_of("l1") == WorkerState::Paused);
    CHECK(stack.state_of("deep") == WorkerState::Paused);
    CHECK(stack.row("web").state == VmState::Frozen);
    CHECK(stack.row("core").state == VmState::Frozen);
    CHECK(stack.is_held("core"));
    CHECK(stack.bench.recorded_of(EventKind::Frozen).size() == 3);
    stack.pass(30, {"rack"});
    CHECK(stack.state_of("l1") == WorkerState::Paused);
    CHECK(stack.bench.recorded_of(EventKind::WorkerLost).empty());

    stack.becomes("rack", "l1", 100, VmState::Running);

    CHECK(stack.row("web").state == VmState::Running);
    CHECK(stack.row("core").state == VmState::Running);
    CHECK(stack.row("db").state == VmState::Paused);
    CHECK(stack.state_of("deep") == WorkerState::Suspect);
    stack.pass(1, {"l1", "deep"});
    CHECK(stack.state_of("l1") == WorkerState::Alive);
    CHECK(stack.state_of("deep") == WorkerState::Alive);
}

TEST_CASE("a carrier that goes to disk takes what it carries along, and back", "[carried]") {
    CarriedStack stack;
    stack.becomes("rack", "l1", 100, VmState::Paused, "saved");
    auto end = stack.end_of("rack", "l1", 100);
    std::get<InstanceRecord>(end.payload).reason = "suspended";
    stack.publish("rack", end);

    CHECK(stack.state_of("l1") == WorkerState::Paused);
    CHECK(stack.row("web").state == VmState::Frozen);
    CHECK(stack.is_held("web"));
    stack.pass(30, {"rack"});
    CHECK(stack.state_of("l1") == WorkerState::Paused);
    CHECK(stack.bench.recorded_of(EventKind::WorkerLost).empty());

    SECTION("it goes on from there") {
        stack.becomes("rack", "l1", 101, VmState::Starting, "resuming");
        CHECK(stack.state_of("l1") == WorkerState::Paused);
        SECTION("that start fails") {
            auto failed = stack.end_of("rack", "l1", 101);
            std::get<InstanceRecord>(failed.payload).reason = "suspended";
            stack.publish("rack", failed);
            CHECK(stack.state_of("l1") == WorkerState::Paused);
            CHECK(stack.row("web").state == VmState::Frozen);
        }
        SECTION("it runs") {
            stack.becomes("rack", "l1", 101, VmState::Starting);
            stack.becomes("rack", "l1", 101, VmState::Running);
            CHECK(stack.state_of("l1") == WorkerState::Suspect);
            CHECK(stack.row("web").state == VmState::Running);
            CHECK(stack.row("core").state == VmState::Running);
        }
    }
    SECTION("it is started without its state") {
        stack.becomes("rack", "l1", 101, VmState::Starting);
        CHECK(stack.state_of("l1") == WorkerState::Lost);
        CHECK_FALSE(is_live(stack.row("web").state));
        CHECK_FALSE(is_live(stack.row("core").state));
        CHECK_FALSE(stack.is_held("web"));
        CHECK(stack.row("web").ended->detail ==
              "its carrier l1 was started without its saved state");
    }
}

TEST_CASE("whoever is not heard after the resumption of its carrier is lost", "[carried]") {
    CarriedStack stack;
    stack.becomes("rack", "l1", 100, VmState::Paused);
    stack.pass(20, {"rack"});
    stack.becomes("rack", "l1", 100, VmState::Running);

    stack.pass(9, {"rack"});
    CHECK(stack.state_of("l1") == WorkerState::Suspect);
    stack.pass(2, {"rack"});
    CHECK(stack.state_of("l1") == WorkerState::Lost);
}

TEST_CASE("orders to a frozen VM are refused in words, and nothing is sent", "[carried]") {
    CarriedStack stack;
    stack.becomes("rack", "l1", 100, VmState::Paused);
    stack.bench.clear();

    msg::Submit shutdown = Bench::start(1, "web");
    shutdown.action.verb = Verb::Shutdown;
    stack.bench.say("ann", shutdown);
    stack.bench.say("ann", Bench::start(2, "web"));

    const auto refused = stack.bench.told<msg::Failure>("ann");
    REQUIRE(refused.size() == 2);
    CHECK(refused[0].error.code == ErrorCode::Unreachable);
    CHECK(refused[0].error.message == "it is frozen on l1, whose carrier is paused or suspended");
    CHECK(refused[1].error.code == ErrorCode::Conflict);
    CHECK(refused[1].error.message == "frozen on l1, whose carrier is paused or suspended");
    CHECK(stack.bench.told<msg::Command>("l1").empty());
}

TEST_CASE("a worker that speaks long after the pause of its carrier is not paused", "[carried]") {
    CarriedStack stack;
    stack.becomes("rack", "l1", 100, VmState::Paused);
    stack.bench.say("l1", msg::Pong{}); // was under way
    REQUIRE(stack.state_of("l1") == WorkerState::Paused);

    stack.pass(3, {"rack", "l1"});

    CHECK(stack.state_of("l1") == WorkerState::Alive);
    CHECK(stack.row("web").state == VmState::Running);
}

TEST_CASE("the end of a paused carrier ends what is frozen in it", "[carried]") {
    CarriedStack stack;
    stack.becomes("rack", "l1", 100, VmState::Paused);
    stack.pass(30, {"rack"});
    stack.bench.clear();

    stack.becomes("rack", "l1", 100, VmState::Stopping);
    stack.ends("rack", "l1", 100);

    CHECK(stack.bench.recorded_of(EventKind::Running).empty());
    CHECK(stack.bench.recorded_of(EventKind::Stopped).size() == 4);
    CHECK(stack.state_of("deep") == WorkerState::Lost);
}

TEST_CASE("what was concluded holds after a restart of the broker", "[carried]") {
    CarriedStack stack;
    SECTION("ended") {
        stack.ends("rack", "l1", 100);
        stack.bench.restart();
        CHECK(stack.state_of("l1") == WorkerState::Lost);
        CHECK_FALSE(is_live(stack.row("core").state));
        CHECK(stack.row("core").unverified);
    }
    SECTION("frozen") {
        stack.becomes("rack", "l1", 100, VmState::Paused);
        stack.bench.restart();
        stack.pass(20, {});
        CHECK(stack.state_of("l1") == WorkerState::Paused);
        stack.rejoin("rack", {}, {stack.news("rack", "l1", 100, VmState::Running)});
        CHECK(stack.row("core").state == VmState::Running);
        CHECK(stack.state_of("l1") == WorkerState::Suspect);
    }
}

TEST_CASE("an edge that is not certain is never acted on", "[carried]") {
    CarriedStack stack;
    SECTION("two machines claim to be the VM") {
        stack.join("clone", "l1");
    }
    SECTION("the VM runs twice, and one of them ends") {
        stack.join("other", {});
        stack.runs("other", "l1", 9);
    }
    SECTION("sources of the platform UUID differ") {
        auto hello = Bench::hello("l1", "l1", {});
        hello.worker.platform = Bench::vm("l1").uuid;
        hello.worker.platform_conflict = "DMI says so, vm.conf otherwise";
        hello.worker.boot = stack.boot_of("l1");
        hello.end.sequence = 2;
        stack.bench.say("l1", hello);
    }
    SECTION("it would carry itself") {
        stack.runs("deep", "l1", 9); // and what runs on rack ends first
        stack.ends("rack", "l1", 100);
    }
    stack.bench.clear();

    stack.becomes("rack", "l1", 100, VmState::Paused);
    stack.resets("rack", "l1");
    stack.ends("rack", "l1", 100);

    CHECK(is_live(stack.row("web").state));
    CHECK(is_live(stack.row("core").state));
    CHECK(stack.bench.recorded_of(EventKind::WorkerLost).empty());
    CHECK(stack.bench.recorded_of(EventKind::WorkerPaused).empty());
}

TEST_CASE("two agents inside one carrier share its fate", "[carried]") {
    CarriedStack stack;
    auto hello = Bench::hello("second", "l1", {});
    hello.worker.platform = Bench::vm("l1").uuid;
    hello.worker.boot = stack.boot_of("l1");
    stack.bench.say("second", hello);

    stack.ends("rack", "l1", 100);

    CHECK(stack.state_of("l1") == WorkerState::Lost);
    CHECK(stack.state_of("second") == WorkerState::Lost);
    CHECK(stack.told(EventKind::WorkerLost).size() == 3);
}

TEST_CASE("orders that were open inside end with the carrier, and their leases", "[carried]") {
    CarriedStack stack;
    stack.bench.clear();
    stack.join("l1", "l1");
    stack.bench.clear();
    // A path of its own, and a start that its worker has got.
    auto hello = Bench::hello("l1", "l1", {});
    hello.worker.platform = Bench::vm("l1").uuid;
    hello.worker.boot = stack.boot_of("l1");
    hello.end.sequence = 2;
    stack.bench.say("l1", hello);
    Event path{.kind = EventKind::PathSeen, .worker = Bench::worker("l1")};
    path.vm = Bench::vm("new");
    PathFacts facts;
    facts.vm.id = facts.path.vm = path.vm;
    facts.vm.label = "new";
    facts.path.worker = path.worker;
    facts.path.config = "/pool/new.ctys";
    path.payload = facts;
    stack.exchange("l1",
                   {stack.news("l1", "web", 200, VmState::Running),
                    stack.news("l1", "db", 201, VmState::Running),
                    path});
    stack.bench.say("ann", Bench::start(5, "new"));
    REQUIRE(stack.bench.told<msg::Command>("l1").size() == 1);
    REQUIRE(stack.is_held("new"));

    SECTION("nobody else runs it") {
        stack.ends("rack", "l1", 100);
        CHECK_FALSE(stack.is_held("new"));
    }
    SECTION("somebody started it by hand elsewhere: that one holds it now") {
        stack.runs("rack", "new", 101);
        stack.ends("rack", "l1", 100);
        REQUIRE(stack.is_held("new"));
        CHECK(stack.bench.core().leases().find(Bench::vm("new"))->worker == Bench::worker("rack"));
    }
    const auto& action = stack.bench.core().dispatcher().actions().at(ActionId{5});
    REQUIRE(action.state == ActionState::Ended);
    CHECK(action.outcome->error->message == "its carrier l1 ended (by signal: SIGKILL)");
}
