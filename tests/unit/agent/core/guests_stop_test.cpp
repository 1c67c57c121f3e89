#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;

namespace {

OwnerCommands libvirt_commands() {
    return {{Owner::Libvirt, {.words = {"virsh", "shutdown", "{uuid}"}, .origin = "default"}}};
}

/// A machine with VMs that is told to go down.
struct Host : CoreFixture {
    Host() : Host(Recovered{}) {}
    explicit Host(Recovered recovered) : CoreFixture(std::move(recovered), libvirt_commands()) {}

    /// What the configuration of a VM says.
    void configure(unsigned number, VmRecord policy) {
        PathFacts facts{.vm = std::move(policy), .path = {}};
        facts.vm.id = facts.path.vm = vm(number);
        facts.vm.label = fmt::format("vm{}", number);
        facts.path.config = fmt::format("/p/{}.ctys", number);
        facts.path.wrapper = fmt::format("/p/{}.sh", number);
        Event seen{.kind = EventKind::PathSeen};
        seen.payload = facts;
        input(Scanned{{seen}});
    }
    /// One of ours with its monitor; its pid is 100 + its number.
    void run(unsigned number) {
        adopt(100 + number, number);
        monitor_up(100 + number);
    }
    void run_foreign(unsigned number, Owner owner) {
        InstanceRecord record{.key = key(100 + number),
                              .vm = vm(number),
                              .label = fmt::format("vm{}", number),
                              .owner = owner,
                              .state = VmState::Running};
        record.user = "somebody";
        input(Appeared{std::move(record), /*adopted=*/true});
    }
    void stop(std::optional<Duration> deadline = 60s) {
        forget_deeds();
        input(StopAsked{.deadline = deadline, .why = "host stops"});
    }
    void exit(unsigned number, EndedBy by = EndedBy::Guest) {
        input(Exited{key(100 + number), Ending{.by = by, .detail = {}, .at = now().wall}});
    }
    /// Lets all timers fire up to a time from now.
    void wait(Duration span) {
        for (constexpr Duration step = 500ms; span > 0ms; span -= step) {
            live(step);
            fire({.kind = TimerKind::HostStop, .instance = {}, .action = {}});
            for (unsigned number = 1; number < 9; ++number) {
                fire({.kind = TimerKind::Ladder, .instance = key(100 + number), .action = {}});
            }
        }
    }
    [[nodiscard]] std::size_t asked(unsigned number, Monitor command) const {
        const auto all = done<MonitorCommand>();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& one) {
            return one.key == key(100 + number) && one.command == command;
        }));
    }
    [[nodiscard]] bool is_done() const { return !told().empty() && told().back().done; }
    [[nodiscard]] bool says(std::string_view words) const {
        return std::any_of(told().begin(), told().end(), [&](const auto& one) {
            return std::any_of(one.lines.begin(), one.lines.end(), [&](const auto& line) {
                return line.find(words) != std::string::npos;
            });
        });
    }
};

} // namespace

TEST_CASE_METHOD(Host, "a machine without VMs is done at once", "[agent]") {
    stop();

    REQUIRE(told().size() == 1);
    CHECK(told()[0].done);
    CHECK_FALSE(told()[0].error);
    CHECK_FALSE(core().is_stopping_guests());
}

TEST_CASE_METHOD(Host, "all VMs are asked at the same time, and it ends with the last", "[agent]") {
    run(1);
    run(2);

    stop();

    CHECK(asked(1, Monitor::Powerdown) == 1);
    CHECK(asked(2, Monitor::Powerdown) == 1);
    CHECK(told().back().waiting == 2);
    const auto stopping = events(EventKind::Stopping);
    REQUIRE(stopping.size() == 2);
    CHECK(stopping[0].text == "host stops");
    CHECK(stopping[0].by == "host");
    exit(1);
    CHECK_FALSE(is_done());
    CHECK(told().back().waiting == 1);
    exit(2);
    REQUIRE(is_done());
    CHECK_FALSE(told().back().error);
    CHECK(says("2 by themselves"));
    CHECK(events(EventKind::WorkerHostStop).size() == 2);
}

TEST_CASE_METHOD(Host, "the worker tells that its machine stops, as long as it does", "[agent]") {
    const auto told_flag = [&](std::size_t number) {
        return std::get<WorkerRecord>(events(EventKind::WorkerHostStop).at(number).payload)
            .host_stops;
    };
    run(1);

    stop();

    CHECK(core().worker().host_stops);
    CHECK(told_flag(0));
    exit(1);
    REQUIRE(is_done());
    CHECK_FALSE(core().worker().host_stops);
    CHECK_FALSE(told_flag(1));
}

TEST_CASE_METHOD(Host, "an agent that leaves says so to the broker that knows it", "[agent]") {
    input(Leaving{});

    CHECK(answers<msg::Farewell>().size() == 1);
}

TEST_CASE_METHOD(Host, "the deadline of a VM is its grace, else that of the machine", "[agent]") {
    configure(1, {.grace = 5s});
    configure(3, {.grace = 300s});
    for (const unsigned number : {1U, 2U, 3U}) {
        run(number);
    }

    stop(20s);

    CHECK(events(EventKind::CutAnnounced).size() == 3);
    wait(4500ms);
    CHECK(commands(Monitor::Quit) == 0);
    wait(1s);
    CHECK(asked(1, Monitor::Quit) == 1);
    CHECK(commands(Monitor::Quit) == 1);
    exit(1, EndedBy::Host);
    wait(14s);
    CHECK(commands(Monitor::Quit) == 1);
    wait(1s);
    CHECK(asked(2, Monitor::Quit) == 1);
    CHECK(asked(3, Monitor::Quit) == 1);
    exit(2, EndedBy::Host);
    exit(3);
    REQUIRE(is_done());
    CHECK(says("1 by themselves, 2 cut"));
}

TEST_CASE_METHOD(Host, "a VM that survives everything is told as stuck", "[agent]") {
    run(1);
    stop(1s);

    wait(1s + GuestsStop::after_deadline);

    REQUIRE(is_done());
    REQUIRE(told().back().error);
    CHECK(told().back().error->code == ErrorCode::Stuck);
    CHECK(done<SignalProcess>().size() == 2);
}

TEST_CASE_METHOD(Host, "the policy of a VM is followed", "[agent]") {
    configure(1, {.on_stop = OnStop::Kill});
    configure(2, {.on_stop = OnStop::Leave});
    for (const unsigned number : {1U, 2U}) {
        run(number);
    }

    stop();

    CHECK(asked(1, Monitor::Powerdown) == 0);
    CHECK(asked(1, Monitor::Quit) == 1);
    CHECK(asked(2, Monitor::Powerdown) + asked(2, Monitor::Quit) == 0);
    exit(1, EndedBy::Host);
    REQUIRE(is_done());
    CHECK_FALSE(told().back().error);
    CHECK(says("0 by themselves, 1 cut, 1 spared"));
}

TEST_CASE_METHOD(Host, "the earlier of two cuts counts when the machine goes down", "[agent]") {
    run(1);
    SECTION("a shutdown without a deadline") {
        const auto action = order(Verb::Shutdown, 1, {});
        stop(5s);
        wait(5500ms);
        CHECK(asked(1, Monitor::Quit) == 1);
        exit(1, EndedBy::Host);
        const auto ended = events(EventKind::ActionEnded);
        REQUIRE(ended.size() == 1);
        CHECK(ended[0].action == action);
    }
    SECTION("a shutdown with an earlier one") {
        order(Verb::Shutdown, 1, {.deadline = 3s});
        stop(60s);
        wait(3500ms);
        CHECK(asked(1, Monitor::Quit) == 1);
        exit(1, EndedBy::Host);
    }
    CHECK(is_done());
}

TEST_CASE_METHOD(Host, "nobody cancels the end of a VM whose machine goes down", "[agent]") {
    run(1);
    const auto action = order(Verb::Shutdown, 1, {.deadline = 10s});
    stop(30s);

    tell(msg::CancelCommand{action});

    const auto ended = events(EventKind::ActionEnded);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].action == action);
    wait(31s);
    CHECK(asked(1, Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Host, "nothing is started on a machine that goes down", "[agent]") {
    run(1);
    configure(2, {});
    stop();

    order(Verb::Start, 2, {.token = 5, .config = "/p/2.ctys"});
    input(HandStartAsked{
        .caller = 9, .action = {78}, .config = "/p/2.ctys", .label = "vm2", .user = "acue"});

    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
    const auto answered = done<AnswerCaller>();
    REQUIRE(answered.size() == 1);
    CHECK(answered[0].grant.answer == msg::HandGrant::Answer::Refused);
    exit(1);
    forget_deeds();
    order(Verb::Start, 2, {.token = 6, .config = "/p/2.ctys"});
    CHECK(done<Launch>().size() == 1);
}

TEST_CASE_METHOD(Host, "a start under way is given up", "[agent]") {
    configure(1, {});
    const auto start = order(Verb::Start, 1, {.token = 5, .config = "/p/1.ctys"});

    stop();

    CHECK(done<EndLaunch>().size() == 1);
    const auto ended = events(EventKind::ActionEnded);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].action == start);
    CHECK(is_done());
}

TEST_CASE_METHOD(Host, "a VM that appears meanwhile is stopped too", "[agent]") {
    run(1);
    stop();

    run(2);
    exit(1);

    CHECK_FALSE(is_done());
    CHECK(asked(2, Monitor::Powerdown) == 1);
    exit(2);
    CHECK(is_done());
}

TEST_CASE_METHOD(Host, "one of ours without a monitor is asked when it dials in", "[agent]") {
    adopt(101, 1);
    stop(10s);
    CHECK(done<MonitorCommand>().empty());
    wait(2s);

    SECTION("it does") {
        monitor_up(101);
        CHECK(asked(1, Monitor::Powerdown) == 1);
        CHECK(done<SignalProcess>().empty());
    }
    SECTION("it never does") {
        wait(9s);
        REQUIRE(done<SignalProcess>().size() == 1);
        CHECK(says("it could not be asked"));
    }
    exit(1);
    CHECK(is_done());
}

TEST_CASE_METHOD(Host, "the grace of a VM counts from when it is asked", "[agent]") {
    configure(1, {.grace = 5s});
    adopt(101, 1);
    stop(60s);
    wait(2s);
    monitor_up(101);

    wait(4500ms);
    CHECK(asked(1, Monitor::Quit) == 0);
    wait(1s);
    CHECK(asked(1, Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Host, "VMs of others are asked by their owner or a free monitor", "[agent]") {
    run_foreign(1, Owner::Libvirt);
    run_foreign(2, Owner::ByHand);
    monitor_up(102);

    stop(10s);

    CHECK(done<RunOwnerCommand>().size() == 1);
    CHECK(asked(2, Monitor::Powerdown) == 1);
    SECTION("they end") {
        exit(1, EndedBy::Unknown);
        exit(2);
        CHECK(is_done());
        CHECK_FALSE(told().back().error);
    }
    SECTION("they do not: none of them is signalled") {
        wait(40s);
        CHECK(asked(2, Monitor::Quit) == 1);
        CHECK(done<SignalProcess>().empty());
        REQUIRE(is_done());
        CHECK(told().back().error->code == ErrorCode::Partial);
    }
    SECTION("the command of the owner fails") {
        input(OwnerCommandEnded{.key = key(101), .exit_code = 1, .output = "no such domain"});
        CHECK(says("vm1: left running: the command of its owner ended with 1: no such domain"));
    }
}

TEST_CASE_METHOD(Host, "a VM of others that cannot be asked is left with a sentence", "[agent]") {
    using OwnerAndReason = std::pair<Owner, std::string>;
    const auto [owner, why] = GENERATE(values<OwnerAndReason>(
        {{Owner::ByHand, "QEMU 101 (user somebody) has no monitor"},
         {Owner::Proxmox, "[owner.proxmox] shutdown of agent.toml names no command"}}));
    run_foreign(1, owner);
    stop();

    wait(GuestsStop::foreign_patience + 1s);

    REQUIRE(is_done());
    CHECK(says("vm1: left running: cannot be asked: " + why));
    CHECK(done<SignalProcess>().empty());
    REQUIRE(told().back().error);
    CHECK(told().back().error->code == ErrorCode::Partial);
}

TEST_CASE_METHOD(Host, "what another agent of the machine has started is left to it", "[agent]") {
    InstanceRecord record{.key = key(101), .vm = vm(1), .label = "vm1", .owner = Owner::Ctys};
    record.state = VmState::Running;
    SECTION("it stops its own") {
        input(Appeared{record, /*adopted=*/true});
        stop();
        REQUIRE(is_done());
        CHECK_FALSE(told().back().error);
    }
    SECTION("but a wrapper run by hand has no agent") {
        record.note = "no monitor: can be watched, not asked";
        input(Appeared{record, /*adopted=*/true});
        stop();
        wait(GuestsStop::foreign_patience + 1s);
        REQUIRE(is_done());
        CHECK(told().back().error);
    }
}

TEST_CASE_METHOD(Host, "a VM of others is cut where its configuration says kill", "[agent]") {
    configure(1, {.on_stop = OnStop::Kill});
    run_foreign(1, Owner::ByHand);

    stop();

    CHECK(done<SignalProcess>().size() == 1);
}

TEST_CASE_METHOD(Host, "asked again it says what it waits for, and may become quicker", "[agent]") {
    run(1);
    stop(100s);
    wait(2s);

    stop(200s);
    CHECK(says("waiting for vm1 (cut in 1m38s)"));
    stop(5s);
    wait(5500ms);
    CHECK(asked(1, Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Host, "a stop gives a sign of life each second", "[agent]") {
    run(1);
    stop();
    const auto before = told().size();

    wait(5s);

    CHECK(told().size() == before + 5);
}

TEST_CASE_METHOD(Host, "what ran is remembered when the machine goes down", "[agent]") {
    run(1);
    run(2);
    run_foreign(3, Owner::Libvirt);
    order(Verb::Shutdown, 2, {}); // not to be up again

    stop();

    REQUIRE(memory());
    CHECK(memory()->ran == std::vector{vm(1)});
    CHECK(memory()->is_stopping);
    for (const unsigned number : {1U, 2U, 3U}) {
        exit(number);
    }
    CHECK_FALSE(memory()->is_stopping);
    CHECK(memory()->ran == std::vector{vm(1)});
    SECTION("a second stop that finds nothing forgets nothing") {
        stop();
        CHECK(memory()->ran == std::vector{vm(1)});
    }
    SECTION("after a start it remembers anew") {
        InstanceRecord record{.key = key(104),
                              .vm = vm(4),
                              .label = "vm4",
                              .managed = true,
                              .owner = Owner::Ctys,
                              .state = VmState::Running};
        input(Appeared{std::move(record)});
        stop();
        CHECK(memory()->ran == std::vector{vm(4)});
    }
}

TEST_CASE("a stop that was broken off is gone on with", "[agent]") {
    Recovered recovered;
    recovered.memory.is_stopping = true;
    recovered.memory.ran = {CoreFixture::vm(1)};
    Host host{std::move(recovered)};
    host.run(2);

    host.stop();

    REQUIRE(host.memory());
    CHECK(host.memory()->ran == std::vector{CoreFixture::vm(1), CoreFixture::vm(2)});
}

TEST_CASE_METHOD(Host, "a paused VM is let run, so that it hears the button", "[agent]") {
    adopt(101, 1);
    monitor_up(101, VmState::Paused);

    stop();

    CHECK(asked(1, Monitor::Cont) == 1);
    CHECK(asked(1, Monitor::Powerdown) == 1);
}

namespace {

/// One VM whose ONSTOP is suspend, and what its QEMU answers.
struct SuspendingHost : Host {
    SuspendingHost() {
        configure(1, {.on_stop = OnStop::Suspend});
        run(1);
        stop(60s);
    }
    void reply(Monitor command, MonitorReply with = {}) {
        for (const auto& each : done<MonitorCommand>()) {
            if (each.command == command) with.number = each.number;
        }
        with.key = key(101);
        input(std::move(with));
    }
    void look(std::string format = "qcow2") {
        reply(Monitor::QueryDisks,
              {.disks = {{.name = "ide0-hd0",
                          .node = "#block1",
                          .file = "a.img",
                          .format = std::move(format)}}});
    }
    void conclude(Monitor job, std::string error = {}) {
        std::string id;
        for (const auto& each : done<MonitorCommand>()) {
            if (each.command == job) id = each.job.id;
        }
        input(MonitorEvent{
            .key = key(101), .what = MonitorEvent::What::JobConcluded, .reason = id, .time = {}});
        reply(Monitor::QueryJobs,
              {.jobs = {{.id = id, .concluded = true, .error = std::move(error)}}});
    }
    void save() { look(), conclude(Monitor::DeleteState), reply(Monitor::Stop); }
    void wait_for_suspension(Duration span) {
        for (; span > 0s; span -= 1s) {
            live(1s);
            fire({.kind = TimerKind::HostStop, .instance = {}, .action = {}});
            fire({.kind = TimerKind::Suspension, .instance = key(101), .action = {}});
        }
    }
};

} // namespace

TEST_CASE_METHOD(SuspendingHost, "a VM whose ONSTOP is suspend goes to disk", "[agent]") {
    CHECK(asked(1, Monitor::Powerdown) == 0);
    save(), conclude(Monitor::SaveState);
    REQUIRE(done<NoteState>().size() == 1);
    input(StateNoted{.key = key(101), .number = done<NoteState>()[0].number});
    exit(1, EndedBy::Host);

    REQUIRE(is_done());
    CHECK_FALSE(told().back().error);
    CHECK(says("vm1: suspended to disk"));
    CHECK(says("0 by themselves, 1 suspended"));
    REQUIRE(memory());
    CHECK(memory()->ran == std::vector<VmId>{vm(1)}); // like-before starts it, with its state
}

TEST_CASE_METHOD(SuspendingHost, "what cannot be suspended is asked to end, and why", "[agent]") {
    std::string why = "is raw";
    SECTION("its disk cannot keep it") {
        look("raw");
    }
    SECTION("its state cannot be saved") {
        save(), conclude(Monitor::SaveState, "No space left on device");
        CHECK(asked(1, Monitor::Powerdown) == 0);
        reply(Monitor::Cont);
        why = "No space left on device";
    }
    SECTION("saving takes too long") {
        save(), wait_for_suspension(39s);
        CHECK(asked(1, Monitor::Cont) == 0);
        wait_for_suspension(2s); // a third of its time is left
        CHECK(asked(1, Monitor::Cont) == 1);
        reply(Monitor::Cont);
        why = "not saved within";
    }
    CHECK(says("vm1: it is shut down instead of suspended: "));
    CHECK(says(why));
    CHECK(asked(1, Monitor::Powerdown) == 1);
    exit(1);
    REQUIRE(is_done());
    CHECK(says("1 by themselves"));
}

TEST_CASE_METHOD(SuspendingHost, "a QEMU that saves beyond its deadline is cut", "[agent]") {
    save(), wait_for_suspension(61s);
    CHECK(asked(1, Monitor::Quit) == 1);
    exit(1, EndedBy::Signal);
    CHECK(is_done());
}

TEST_CASE_METHOD(Host, "a suspension that is under way is what becomes of a VM", "[agent]") {
    configure(1, {.on_stop = OnStop::Shutdown});
    run(1);
    const auto action = order(Verb::Suspend, 1);
    input(StopAsked{.deadline = 60s, .why = "host stops"});
    CHECK(asked(1, Monitor::Powerdown) == 0);
    // It cannot be saved: then it ends as it says.
    MonitorReply answer{.key = key(101), .reason = {}};
    answer.error = Error{.code = ErrorCode::Failed, .message = "no"};
    for (const auto& each : done<MonitorCommand>()) {
        if (each.command == Monitor::QueryDisks) answer.number = each.number;
    }
    input(answer);
    const auto ended = events(EventKind::ActionEnded);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].action == action);
}
