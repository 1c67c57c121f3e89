#include "agent/core/suspension.h"
#include "tests/unit/agent/core/saved_state_fixture.h"

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;
using ctys::testing::SavedStateFixture;

namespace {

constexpr auto pid = SavedStateFixture::pid;
const TimerKey timer{
    .kind = TimerKind::Suspension, .instance = CoreFixture::key(pid), .action = {}};

DiskFacts disk(std::string format = "qcow2", std::string node = "#block1") {
    return {.name = "ide0-hd0", .node = std::move(node), .file = "web.img", .format = format};
}

/// One VM of ours that runs.
struct Vm : SavedStateFixture {
    Vm() : Vm(VmState::Running) {}
    explicit Vm(VmState state) {
        adopt(pid, 1);
        monitor_up(pid, state);
        forget_deeds();
    }

    ActionId suspend(std::optional<Duration> deadline = {}) {
        return order(Verb::Suspend, 1, {.deadline = deadline});
    }
    void decline(Monitor command, ErrorCode code = ErrorCode::Failed) {
        reply(command, {.error = Error{.code = code, .message = "no"}});
    }
    /// Up to a state of the machine, each by its ordinary input.
    void look() { reply(Monitor::QueryDisks, {.disks = {disk()}}); }
    void until_stopping() { look(), conclude(); }
    void until_saving() { until_stopping(), reply(Monitor::Stop); }
    void until_noting() { until_saving(), conclude(); }
    void until_quitting() { until_noting(), note(); }

    [[nodiscard]] std::optional<Error> error_of(ActionId action) const {
        const auto ended = events(EventKind::ActionEnded);
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].action == action);
        return std::get<ActionRecord>(ended[0].payload).outcome->error;
    }
    [[nodiscard]] InstanceRecord record() const {
        return const_cast<Vm*>(this)->core().instances().all().at(key(pid)).record;
    }
    [[nodiscard]] bool has_ended(ActionId /*action*/) const {
        return !events(EventKind::ActionEnded).empty();
    }
};

} // namespace

TEST_CASE_METHOD(Vm, "a suspension saves, notes it, quits, and is told as suspended", "[agent]") {
    const auto action = suspend();
    look();
    CHECK(last(Monitor::DeleteState)->job.tag == "ctys-suspend"); // an older one is in the way
    conclude();
    CHECK(record().reason == reason::suspending);
    CHECK(record().state == VmState::Paused);
    reply(Monitor::Stop);
    const auto save = last(Monitor::SaveState);
    REQUIRE(save);
    CHECK(save->job.vmstate == "#block1");
    CHECK(save->job.nodes == std::vector<std::string>{"#block1"});
    conclude();
    REQUIRE(done<NoteState>().size() == 1);
    CHECK(done<NoteState>()[0].saved);
    CHECK(commands(Monitor::Quit) == 0); // not before the note is durable
    note();
    CHECK(record().reason == reason::saved);
    CHECK(commands(Monitor::Quit) == 1);
    CHECK(commands(Monitor::Cont) == 0);
    CHECK_FALSE(has_ended(action));
    exit();

    CHECK_FALSE(error_of(action));
    const auto told = events(EventKind::Suspended);
    REQUIRE(told.size() == 1);
    CHECK(told[0].new_state == VmState::Suspended);
    CHECK(told[0].by == "host");
    CHECK(is_suspended_to_disk(std::get<InstanceRecord>(told[0].payload)));
    CHECK_FALSE(is_live(std::get<InstanceRecord>(told[0].payload).state));
}

TEST_CASE_METHOD(Vm, "a disk that cannot keep a state is named with its format", "[agent]") {
    const auto action = suspend();
    auto bad = disk("raw");
    std::string wanted = "its disk ide0-hd0 (web.img) is raw";
    SECTION("raw") {}
    SECTION("temporary") {
        bad = disk();
        bad.temporary = true;
        wanted = "temporary file";
    }
    SECTION("beside one that can") {
        reply(Monitor::QueryDisks, {.disks = {disk(), bad}});
    }
    if (!has_ended(action)) reply(Monitor::QueryDisks, {.disks = {bad}});

    const auto error = error_of(action);
    REQUIRE(error);
    CHECK(error->code == ErrorCode::Conflict);
    CHECK(error->message.find(wanted) != std::string::npos);
    CHECK(error->try_next.find("ctys pause vm1") == 0);
    CHECK(commands(Monitor::Stop) == 0);
    CHECK(record().state == VmState::Running);
    // It can be asked again, and for anything else.
    suspend();
    CHECK(commands(Monitor::QueryDisks) == 2);
}

TEST_CASE_METHOD(Vm,
                 "a VM without a disk, or with read-only ones, cannot be suspended",
                 "[agent]") {
    const auto action = suspend();
    auto cd = disk("raw");
    cd.writable = false;
    reply(Monitor::QueryDisks, {.disks = {cd}});

    CHECK(error_of(action)->message.find("no qcow2 disk") != std::string::npos);
}

TEST_CASE_METHOD(Vm, "read-only disks are left out of a snapshot", "[agent]") {
    suspend();
    auto cd = disk("raw", "#block7");
    cd.writable = false;
    reply(Monitor::QueryDisks, {.disks = {cd, disk(), disk("qcow2", "#block2")}});

    CHECK(last(Monitor::DeleteState)->job.nodes == std::vector<std::string>{"#block1", "#block2"});
}

TEST_CASE_METHOD(Vm, "while nothing stands yet a failed suspension has done nothing", "[agent]") {
    const auto action = suspend(5s);
    ErrorCode code = ErrorCode::Failed;
    SECTION("QEMU does not tell its disks") {
        decline(Monitor::QueryDisks);
    }
    SECTION("QEMU does not begin to delete") {
        look(), decline(Monitor::DeleteState);
    }
    SECTION("an older snapshot cannot be deleted") {
        look(), conclude("Input/output error");
    }
    SECTION("its deadline, looking") {
        live(5s), fire(timer);
        code = ErrorCode::TimedOut;
    }
    SECTION("its deadline, clearing") {
        look(), live(5s), fire(timer);
        code = ErrorCode::TimedOut;
    }
    SECTION("it is cancelled") {
        tell(msg::CancelCommand{action});
        code = ErrorCode::Cancelled;
    }
    SECTION("its guest ends") {
        exit(EndedBy::Guest);
    }

    CHECK(error_of(action)->code == code);
    CHECK(commands(Monitor::Stop) + commands(Monitor::Cont) + commands(Monitor::Quit) == 0);
    CHECK(done<NoteState>().empty());
}

TEST_CASE_METHOD(Vm, "what cannot be saved goes on, with QEMU's own words", "[agent]") {
    const auto action = suspend(60s);
    std::string words = "no";
    SECTION("QEMU does not stop") {
        until_stopping(), decline(Monitor::Stop);
    }
    SECTION("QEMU does not begin to save") {
        until_saving(), decline(Monitor::SaveState);
    }
    SECTION("QEMU cannot save") {
        until_saving(), conclude("No space left on device");
        words = "QEMU: No space left on device";
    }
    SECTION("QEMU does not know its job") {
        until_saving();
        input(MonitorEvent{.key = key(pid),
                           .what = MonitorEvent::What::JobConcluded,
                           .reason = last(Monitor::SaveState)->job.id,
                           .time = {}});
        reply(Monitor::QueryJobs);
        words = "does not know its job";
    }
    SECTION("its deadline") {
        until_saving(), live(60s), fire(timer);
        CHECK(commands(Monitor::CancelJob) == 1);
        words = "within 1m";
    }
    SECTION("it is cancelled") {
        until_saving(), tell(msg::CancelCommand{action});
        CHECK(commands(Monitor::CancelJob) == 1);
        words = "cancelled";
    }
    CHECK_FALSE(has_ended(action)); // not before it runs
    reply(Monitor::Cont);

    const auto error = error_of(action);
    REQUIRE(error);
    CHECK(error->message.find(words) != std::string::npos);
    CHECK(error->message.find("it runs on") != std::string::npos);
    CHECK(record().state == VmState::Running);
    CHECK(record().reason.empty());
    CHECK(done<NoteState>().empty());
    CHECK(commands(Monitor::Quit) == 0);
    // What was saved all the same is deleted, and nobody waits for it.
    look();
    CHECK(commands(Monitor::DeleteState) == 2);
}

TEST_CASE_METHOD(Vm,
                 "a state that cannot be noted is taken back before anything moves",
                 "[agent]") {
    const auto action = suspend();
    until_noting();
    SECTION("refused") {
        note(Error{.code = ErrorCode::Refused, .message = "read-only"});
    }
    SECTION("its storage hangs") {
        live(Suspension::note_limit), fire(timer);
        CHECK(done<NoteState>().size() == 1); // one after the other
        note(Error{.code = ErrorCode::TimedOut, .message = "no answer"});
    }

    REQUIRE(done<NoteState>().size() == 2);
    CHECK_FALSE(done<NoteState>()[1].saved);
    CHECK(commands(Monitor::Cont) == 0); // the note may be there
    note();
    CHECK(commands(Monitor::Cont) == 1);
    reply(Monitor::Cont);
    CHECK(error_of(action)->message.find("it runs on") != std::string::npos);
}

TEST_CASE_METHOD(Vm, "a note that is taken away slowly is taken away once", "[agent]") {
    const auto action = suspend();
    until_noting();
    note(Error{.code = ErrorCode::Refused, .message = "read-only"});
    for (int i = 0; i < 3; ++i) {
        live(Suspension::return_again), fire(timer);
    }
    CHECK(done<NoteState>().size() == 2);
    SECTION("in time") {
        note();
        CHECK(commands(Monitor::Cont) == 1);
    }
    SECTION("when it was given up: it may be resumed") {
        live(Suspension::return_limit), fire(timer);
        CHECK(error_of(action)->message.find("could not be taken away") != std::string::npos);
        forget_deeds();
        order(Verb::Resume, 1);
        CHECK(answers<msg::CommandRefused>().size() == 1);
        input(StateNoted{.key = key(pid), .number = 0, .config = {}, .saved = false});
        forget_deeds();
        order(Verb::Resume, 1);
        CHECK(answers<msg::CommandRefused>().empty());
        CHECK(commands(Monitor::Cont) == 1);
    }
}

TEST_CASE_METHOD(Vm, "a new monitor does not make a paused VM of one that stays saved", "[agent]") {
    suspend();
    until_noting();
    note(Error{.code = ErrorCode::Refused, .message = "read-only"});
    live(Suspension::return_limit), fire(timer);
    input(MonitorDown{key(pid)});
    monitor_up(pid, VmState::Paused);

    forget_deeds();
    order(Verb::Resume, 1);
    CHECK(answers<msg::CommandRefused>().size() == 1);
    CHECK(commands(Monitor::Cont) == 0);
}

TEST_CASE_METHOD(Vm, "QEMU saves for longer than an answer may take", "[agent]") {
    const auto action = suspend();
    until_saving();
    decline(Monitor::SaveState, ErrorCode::TimedOut);
    CHECK_FALSE(has_ended(action));
    conclude();
    CHECK(done<NoteState>().size() == 1);
}

TEST_CASE_METHOD(Vm, "a QEMU that does not go on is asked again and again", "[agent]") {
    const auto action = suspend(10s);
    until_saving();
    live(10s), fire(timer);
    decline(Monitor::Cont, ErrorCode::TimedOut);
    live(Suspension::return_again), fire(timer);
    CHECK(commands(Monitor::Cont) == 2);
    SECTION("it does at last") {
        reply(Monitor::Cont);
        CHECK(error_of(action)->message.find("it runs on") != std::string::npos);
    }
    SECTION("when its monitor is back") {
        input(MonitorDown{key(pid)});
        monitor_up(pid, VmState::Paused);
        CHECK(commands(Monitor::Cont) == 3);
    }
    SECTION("it never does") {
        for (int i = 0; i < 20; ++i) {
            live(Suspension::return_again), fire(timer);
        }
        const auto error = error_of(action);
        CHECK(error->message.find("it stands") != std::string::npos);
        CHECK(error->try_next == "ctys resume vm1");
        CHECK(record().state == VmState::Paused);
        CHECK(record().reason.empty());
    }
}

TEST_CASE("a VM that was paused before is paused after a failed suspension", "[agent]") {
    Vm vm{VmState::Paused};
    vm.suspend();
    vm.until_saving();
    vm.conclude("No space left on device");
    vm.reply(Monitor::Stop);

    CHECK(vm.commands(Monitor::Cont) == 0);
    CHECK(vm.record().state == VmState::Paused);
    CHECK(vm.record().reason.empty());
}

TEST_CASE_METHOD(Vm, "a QEMU that does not quit is cut, and stays suspended", "[agent]") {
    const auto action = suspend();
    until_quitting();
    live(Suspension::quit_limit), fire(timer);
    const TimerKey ladder{.kind = TimerKind::Ladder, .instance = key(pid), .action = {}};
    live(5s), fire(ladder);
    live(5s), fire(ladder);
    CHECK(done<SignalProcess>().size() == 2);
    SECTION("it ends") {
        exit(EndedBy::Signal);
        CHECK_FALSE(error_of(action));
        CHECK(events(EventKind::Suspended).size() == 1);
    }
    SECTION("it survives all") {
        live(Suspension::stuck_limit), fire(timer);
        CHECK(error_of(action)->code == ErrorCode::Stuck);
    }
}

TEST_CASE_METHOD(Vm, "orders that come between are refused, but for a kill", "[agent]") {
    const auto action = suspend();
    until_saving();
    for (const auto verb :
         {Verb::Pause, Verb::Resume, Verb::Reset, Verb::Reboot, Verb::Shutdown, Verb::Suspend}) {
        INFO(to_string(verb));
        forget_deeds();
        order(verb, 1);
        const auto refused = answers<msg::CommandRefused>();
        REQUIRE(refused.size() == 1);
        CHECK(refused[0].error.message == "it is being suspended to disk");
    }
    const auto kill = order(Verb::Kill, 1);
    const auto error = error_of(action);
    REQUIRE(error);
    CHECK(error->message == fmt::format("overtaken by {}", kill));
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Vm, "what is saved already ends by itself, and cannot be called back", "[agent]") {
    const auto action = suspend();
    SECTION("noting") {
        until_noting();
    }
    SECTION("quitting") {
        until_quitting();
    }
    tell(msg::CancelCommand{action});
    CHECK_FALSE(has_ended(action));
    forget_deeds();
    order(Verb::Kill, 1);
    CHECK(answers<msg::CommandRefused>().size() == 1);
    CHECK(commands(Monitor::Quit) == 0);
}

TEST_CASE_METHOD(Vm, "a VM that ends before its state is noted is not suspended", "[agent]") {
    const auto action = suspend();
    until_saving();
    exit(EndedBy::Crash);
    CHECK(error_of(action)->code == ErrorCode::Failed);
    CHECK(events(EventKind::Suspended).empty());
    CHECK(events(EventKind::Stopped).size() == 1);
}

TEST_CASE_METHOD(Vm, "the monitor may go and come back while it saves", "[agent]") {
    suspend();
    until_saving();
    input(MonitorDown{key(pid)});
    monitor_up(pid, VmState::Paused);
    CHECK(record().reason == reason::suspending);
    reply(Monitor::QueryJobs,
          {.jobs = {{.id = last(Monitor::SaveState)->job.id, .concluded = true}}});
    CHECK(done<NoteState>().size() == 1);
}

TEST_CASE_METHOD(Vm,
                 "a guest that sleeps, and a VM of somebody else, are not suspended",
                 "[agent]") {
    SECTION("sleeping") {
        input(MonitorEvent{
            .key = key(pid), .what = MonitorEvent::What::Suspend, .reason = {}, .time = {}});
        suspend();
    }
    SECTION("by hand") {
        input(Appeared{InstanceRecord{.key = key(101),
                                      .vm = vm(2),
                                      .label = "vm2",
                                      .owner = Owner::ByHand,
                                      .state = VmState::Running},
                       true});
        monitor_up(101);
        order(Verb::Suspend, 2);
    }
    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
}

namespace {

/// A later life of the agent finds the VM as an earlier one has left it.
struct LaterAgent : SavedStateFixture {
    LaterAgent(std::string_view reason,
               bool ended,
               bool with_intent = true,
               bool dials_early = false)
        : SavedStateFixture(left(with_intent), {}, {}, {}, [&](auto& input) {
              InstanceRecord record{.key = key(pid),
                                    .vm = vm(1),
                                    .label = "vm1",
                                    .managed = true,
                                    .owner = Owner::Ctys,
                                    .state = VmState::Paused};
              record.reason = reason;
              record.since = record.started = WallTime{1};
              if (ended) {
                  input(
                      EndedWhileAway{record, Ending{.by = EndedBy::Host, .detail = {}, .at = {2}}});
              } else {
                  input(Appeared{record, /*adopted=*/true});
              }
              if (dials_early)
                  input(MonitorUp{.key = key(pid),
                                  .state = VmState::Paused,
                                  .reason = {},
                                  .accelerator = {},
                                  .version = {},
                                  .display = {}});
          }) {}
    static Recovered left(bool with_intent) {
        Recovered recovered;
        if (with_intent)
            recovered.intents.push_back({.action = {77},
                                         .verb = Verb::Suspend,
                                         .instance = key(pid),
                                         .vm = vm(1),
                                         .at = {1}});
        return recovered;
    }
};

} // namespace

TEST_CASE("a later life of the agent ends what is saved, and lets go what is not", "[agent]") {
    SECTION("saved: it quits") {
        LaterAgent later{reason::saved, /*ended=*/false};
        CHECK_FALSE(later.outcome());
        later.monitor_up(pid, VmState::Paused);
        CHECK(later.commands(Monitor::Quit) == 1);
        later.input(Exited{CoreFixture::key(pid), Ending{.by = EndedBy::Host, .detail = {}}});
        REQUIRE(later.outcome());
        CHECK(later.outcome()->ok());
        CHECK(later.events(EventKind::Suspended).size() == 1);
    }
    SECTION("saved, and QEMU dials before its agent has looked around: it quits") {
        LaterAgent later{
            reason::saved, /*ended=*/false, GENERATE(true, false), /*dials_early=*/true};
        CHECK(later.commands(Monitor::Quit) == 1);
    }
    SECTION("not saved: it goes on, when no note of it is left") {
        LaterAgent later{reason::suspending, /*ended=*/false};
        later.monitor_up(pid, VmState::Paused);
        REQUIRE(later.done<NoteState>().size() == 1);
        CHECK_FALSE(later.done<NoteState>()[0].saved);
        CHECK(later.commands(Monitor::Cont) == 0);
        later.note();
        CHECK(later.commands(Monitor::Cont) == 1);
        CHECK(later.commands(Monitor::SaveState) == 0); // never repeated
    }
    SECTION("QEMU does not call: nobody knows, and it is still let go later") {
        LaterAgent later{reason::suspending, /*ended=*/false};
        later.live(Suspension::return_limit), later.fire(timer);
        REQUIRE(later.outcome());
        CHECK(later.outcome()->error->code == ErrorCode::Indeterminate);
        later.monitor_up(pid, VmState::Paused);
        CHECK(later.done<NoteState>().size() == 1);
    }
    SECTION("one for a host that went down has no action") {
        LaterAgent later{reason::suspending, /*ended=*/false, /*with_intent=*/false};
        later.monitor_up(pid, VmState::Paused);
        CHECK(later.done<NoteState>().size() == 1);
        CHECK_FALSE(later.outcome());
    }
    SECTION("it has ended, saved") {
        LaterAgent later{reason::saved, /*ended=*/true};
        REQUIRE(later.outcome());
        CHECK(later.outcome()->ok());
        CHECK(later.events(EventKind::Suspended).size() == 1);
    }
    SECTION("it has ended, not saved") {
        LaterAgent later{reason::suspending, /*ended=*/true};
        REQUIRE(later.outcome());
        CHECK(later.outcome()->error->code == ErrorCode::Failed);
    }
    SECTION("it was not begun with") {
        LaterAgent later{"", /*ended=*/false};
        REQUIRE(later.outcome());
        CHECK(later.outcome()->error->message.find("it runs on") != std::string::npos);
    }
}

TEST_CASE("a state that was loaded and never let run is noted again", "[agent]") {
    SECTION("its QEMU stands for nobody") {
        LaterAgent later{reason::resuming, /*ended=*/false, /*with_intent=*/false};
        later.monitor_up(pid, VmState::Starting);
        CHECK(later.commands(Monitor::Quit) == 1);
        later.input(Exited{CoreFixture::key(pid), Ending{.by = EndedBy::Host, .detail = {}}});
        REQUIRE(later.done<NoteState>().size() == 1);
        CHECK(later.done<NoteState>()[0].saved);
        CHECK(later.events(EventKind::Suspended).size() == 1);
    }
    SECTION("its QEMU has ended") {
        LaterAgent later{reason::resuming, /*ended=*/true, /*with_intent=*/false};
        REQUIRE(later.done<NoteState>().size() == 1);
        CHECK(later.done<NoteState>()[0].saved);
    }
}
