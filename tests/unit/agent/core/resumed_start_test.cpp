#include "agent/core/suspension.h"
#include "tests/unit/agent/core/saved_state_fixture.h"

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;
using ctys::testing::SavedStateFixture;

namespace {

constexpr auto resumed_pid = SavedStateFixture::pid;

/// A VM whose QEMU has loaded a saved state, and stands until it is let run.
struct Resumed : SavedStateFixture {
    explicit Resumed(bool loads, bool discards = false) {
        configure();
        action =
            order(Verb::Start, 1, {.token = 5, .config = "/p/vm1.ctys", .discard_state = discards});
        InstanceRecord record{.key = key(resumed_pid),
                              .vm = vm(1),
                              .label = "vm1",
                              .managed = true,
                              .owner = Owner::Ctys,
                              .state = VmState::Starting};
        if (loads) record.reason = reason::resuming;
        record.started_by = action;
        record.since = record.started = now().wall;
        record.config = "/p/vm1.ctys";
        record.uid = 1000;
        input(Appeared{std::move(record)});
        monitor_up(resumed_pid, VmState::Starting);
    }
    void confirm(bool holds = true) {
        tell(msg::Confirmed{.action = action, .holds = holds, .reason = "the lease is another's"});
    }
    void exit(std::string detail = {}) {
        SavedStateFixture::exit(EndedBy::Unknown, std::move(detail));
    }
    ActionId action;

private:
    void configure() {
        PathFacts facts;
        facts.vm.id = facts.path.vm = vm(1);
        facts.vm.label = "vm1";
        facts.vm.on_stop = OnStop::Suspend;
        facts.path.config = "/p/vm1.ctys";
        facts.path.wrapper = "/p/vm1.sh";
        Event seen{.kind = EventKind::PathSeen};
        seen.payload = facts;
        input(Scanned{{seen}});
    }
};

} // namespace

TEST_CASE("a loaded state is taken before its VM moves, and deleted when it runs", "[agent]") {
    Resumed vm{true};
    CHECK(vm.done<NoteState>().empty()); // its token may not hold
    vm.confirm();
    REQUIRE(vm.done<NoteState>().size() == 1);
    CHECK_FALSE(vm.done<NoteState>()[0].saved);
    CHECK(vm.done<NoteState>()[0].config == "/p/vm1.ctys");
    CHECK(vm.done<NoteState>()[0].uid == 1000);
    CHECK(vm.commands(Monitor::Cont) == 0);
    vm.note();
    CHECK(vm.commands(Monitor::Cont) == 1);
    vm.reply(Monitor::Cont);
    CHECK_FALSE(vm.outcome()); // its snapshot is still there
    vm.reply(Monitor::QueryDisks,
             {.disks = {{.name = "ide0-hd0", .node = "#block1", .file = "a", .format = "qcow2"}}});
    REQUIRE(vm.done<MonitorCommand>().back().command == Monitor::DeleteState);
    std::string stays;
    SECTION("deleted") {}
    SECTION("not deleted: it runs all the same") {
        stays = "Input/output error";
    }
    vm.conclude(stays);

    REQUIRE(vm.outcome());
    CHECK(vm.outcome()->ok());
    CHECK(vm.outcome()->text.find("from its saved state") != std::string::npos);
    CHECK((vm.outcome()->text.find("stays in its image") != std::string::npos) == !stays.empty());
}

TEST_CASE("a start that fails before its VM moves leaves the state as it was", "[agent]") {
    Resumed vm{true};
    SECTION("QEMU cannot load it") {
        vm.exit("Error -22 while loading VM state");
        REQUIRE(vm.outcome());
        CHECK(vm.outcome()->error->message.find("Error -22") != std::string::npos);
        CHECK(vm.outcome()->error->message.find("its saved state stays") != std::string::npos);
        CHECK(vm.outcome()->error->try_next.find("--discard-state") != std::string::npos);
    }
    SECTION("its token does not hold") {
        vm.confirm(false);
        CHECK(vm.commands(Monitor::Quit) == 1);
        vm.exit();
    }
    SECTION("its note cannot be taken") {
        vm.confirm();
        vm.note(Error{.code = ErrorCode::Failed, .message = "read-only"});
        REQUIRE(vm.outcome());
        CHECK(vm.outcome()->error->message.find("read-only") != std::string::npos);
        vm.exit();
    }
    SECTION("its storage hangs") {
        vm.confirm();
        vm.live(Starter::limit);
        vm.fire({.kind = TimerKind::Start, .instance = {}, .action = vm.action});
        REQUIRE(vm.outcome());
        CHECK(vm.outcome()->error->message.find("the note of its saved state") !=
              std::string::npos);
        vm.exit();
    }

    CHECK(vm.commands(Monitor::Cont) == 0);
    REQUIRE_FALSE(vm.done<NoteState>().empty());
    CHECK(vm.done<NoteState>().back().saved);
    const auto told = vm.events(EventKind::Suspended);
    REQUIRE(told.size() == 1);
    CHECK(is_suspended_to_disk(std::get<InstanceRecord>(told[0].payload)));
}

TEST_CASE("a state that may have moved is never noted again", "[agent]") {
    Resumed vm{true};
    vm.confirm();
    vm.note();
    vm.exit("SIGSEGV");
    CHECK(vm.done<NoteState>().size() == 1);
    CHECK(vm.events(EventKind::Suspended).empty());
    CHECK(vm.outcome()->error->try_next.empty());
}

TEST_CASE("a start without its state deletes what it threw away", "[agent]") {
    Resumed vm{/*loads=*/false, /*discards=*/true};
    CHECK(vm.done<Launch>().back().discard_state);
    vm.confirm();
    CHECK(vm.done<NoteState>().empty()); // its wrapper has done it
    vm.reply(Monitor::Cont);
    CHECK(vm.commands(Monitor::QueryDisks) == 1);
    SECTION("no disk that could hold it") {
        vm.reply(Monitor::QueryDisks);
        REQUIRE(vm.outcome());
        CHECK(vm.outcome()->ok());
    }
    SECTION("it ends meanwhile") {
        vm.exit();
        REQUIRE(vm.outcome());
        CHECK(vm.outcome()->ok()); // it ran
    }
    SECTION("QEMU does not answer") {
        vm.live(Suspension::clear_limit);
        vm.fire({.kind = TimerKind::Suspension,
                 .instance = CoreFixture::key(resumed_pid),
                 .action = {}});
        REQUIRE(vm.outcome());
        CHECK(vm.outcome()->ok());
    }
}

TEST_CASE("nobody but its start lets a VM run, and what needs a running one is refused",
          "[agent]") {
    for (const bool loads : {false, true}) {
        Resumed vm{loads};
        for (const auto verb :
             {Verb::Pause, Verb::Resume, Verb::Reset, Verb::Reboot, Verb::Suspend}) {
            INFO(to_string(verb));
            vm.forget_deeds();
            vm.order(verb, 1);
            const auto refused = vm.answers<msg::CommandRefused>();
            REQUIRE(refused.size() == 1);
            CHECK(refused[0].error.code == ErrorCode::Conflict);
            CHECK(refused[0].error.message == "it is being started");
            CHECK(vm.done<MonitorCommand>().empty());
        }
    }
}

TEST_CASE("a start waits for the notes of the one before it", "[agent]") {
    Resumed vm{true};
    vm.confirm(); // its note is being taken away
    vm.exit();    // and is to be written again
    const auto notes = vm.done<NoteState>();
    REQUIRE(notes.size() == 2);
    vm.forget_deeds();
    vm.order(Verb::Start, 1, {.token = 6, .config = "/p/vm1.ctys"});
    CHECK(vm.answers<msg::CommandRefused>().empty());
    vm.answer(notes[0]);
    CHECK(vm.done<Launch>().empty());
    vm.answer(notes[1]);
    REQUIRE(vm.done<Launch>().size() == 1);
}

TEST_CASE("a host that stops while a loaded state is deleted leaves no start open", "[agent]") {
    Resumed vm{true};
    vm.confirm();
    vm.note();
    vm.reply(Monitor::Cont);
    CHECK_FALSE(vm.outcome());
    vm.input(StopAsked{.deadline = 60s, .why = "host stops"});
    REQUIRE(vm.outcome());
    CHECK(vm.outcome()->ok());
}
