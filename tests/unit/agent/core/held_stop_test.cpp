// The machine goes down while QEMU is at a snapshot of a VM, or a medium of it is being changed.

#include "agent/core/guests_stop.h"
#include "tests/unit/agent/core/saved_state_fixture.h"

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::SavedStateFixture;

namespace {

/// One VM of ours, by whose configuration its state is saved when the machine goes down.
struct HeldVm : SavedStateFixture {
    HeldVm() {
        configure({.on_stop = OnStop::Suspend});
        adopt(pid, 1);
        monitor_up(pid);
    }
    void configure(VmRecord policy) {
        PathFacts facts{.vm = std::move(policy), .path = {}};
        facts.vm.id = facts.path.vm = vm(1);
        facts.vm.label = "vm1";
        facts.path.config = "/p/1.ctys";
        facts.path.wrapper = "/p/1.sh";
        Event seen{.kind = EventKind::PathSeen};
        seen.payload = facts;
        input(Scanned{{seen}});
    }
    static std::vector<DiskFacts> disks() {
        return {{.name = "ide0-hd0", .node = "#block1", .file = "a.img", .format = "qcow2"}};
    }
    void look() { reply(Monitor::QueryDisks, {.disks = disks()}); }
    void begin_snapshot() {
        order(Verb::SaveSnapshot, 1, {.snapshot = "one"});
        look();
        REQUIRE(commands(Monitor::SaveState) == 1);
    }
    void end_snapshot() {
        conclude();
        reply(Monitor::QueryStatus, {.state = VmState::Running});
        look();
    }
    void stop(Duration deadline = 60s) {
        input(StopAsked{.deadline = deadline, .why = "host stops"});
    }
    void wait(Duration span) {
        for (; span > 0s; span -= 1s) {
            live(1s);
            for (const auto kind :
                 {TimerKind::HostStop, TimerKind::Suspension, TimerKind::Ladder, TimerKind::Media})
                fire({.kind = kind,
                      .instance = kind == TimerKind::HostStop ? InstanceKey{} : key(pid),
                      .action = {}});
        }
    }
    [[nodiscard]] bool says(std::string_view words) const {
        return std::any_of(told().begin(), told().end(), [&](const auto& one) {
            return std::any_of(one.lines.begin(), one.lines.end(), [&](const auto& line) {
                return line.find(words) != std::string::npos;
            });
        });
    }
    [[nodiscard]] std::size_t told_to_end() const {
        return commands(Monitor::Powerdown) + commands(Monitor::Quit) +
               done<SignalProcess>().size();
    }
};

} // namespace

TEST_CASE_METHOD(HeldVm, "a VM is suspended when the snapshot of it is done", "[agent]") {
    begin_snapshot();
    stop();
    wait(10s);
    CHECK(told_to_end() == 0);
    CHECK(commands(Monitor::DeleteState) == 0); // nothing of the suspension has begun
    CHECK(says("vm1: a snapshot of it is being saved; waited for"));
    CHECK(says("waiting for vm1 (at a snapshot)"));

    end_snapshot();
    CHECK_FALSE(says("shut down instead"));
    CHECK(says("vm1: suspended to disk, at most 30s for it")); // of 40 s
    look();
    CHECK(commands(Monitor::DeleteState) == 1);
    wait(31s);
    CHECK(says("it is shut down instead of suspended: QEMU has not got ready to save"));
    CHECK(commands(Monitor::Powerdown) == 1); // with a third of the time left
    CHECK(commands(Monitor::Quit) == 0);
    wait(20s);
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(HeldVm, "how it ran is known before it is suspended", "[agent]") {
    begin_snapshot();
    stop();
    conclude();
    // QEMU lets it run by itself, and that has to be heard: what is given up runs on.
    CHECK_FALSE(says("suspended to disk"));
    reply(Monitor::QueryStatus, {.state = VmState::Running});
    look();
    CHECK(says("suspended to disk"));
    look();
    CHECK(core().instances().all().at(key(pid)).record.state == VmState::Running);
}

TEST_CASE_METHOD(HeldVm, "a snapshot that takes too long leaves time to end", "[agent]") {
    begin_snapshot();
    stop();
    wait(41s);
    CHECK(told_to_end() == 0); // QEMU would not hear it

    end_snapshot();
    CHECK(says("it is shut down instead of suspended: a snapshot of it took too long"));
    CHECK(commands(Monitor::Powerdown) == 1);
    CHECK(commands(Monitor::Quit) == 0);
}

TEST_CASE_METHOD(HeldVm, "a snapshot that does not end is cut with its VM, in time", "[agent]") {
    begin_snapshot();
    stop();
    wait(59s);
    CHECK(told_to_end() == 0);
    wait(2s);
    CHECK(commands(Monitor::Powerdown) == 0);
    CHECK(commands(Monitor::Quit) == 1);
    exit();
    CHECK(told().back().done);
    REQUIRE(outcome());
    REQUIRE(outcome()->error);
    CHECK(outcome()->error->code == ErrorCode::Failed);
}

TEST_CASE_METHOD(HeldVm, "an earlier end of the machine holds for a snapshot too", "[agent]") {
    begin_snapshot();
    stop();
    stop(5s);
    wait(6s);
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(HeldVm, "the time of a guest begins when it can be asked", "[agent]") {
    configure({.grace = 5s, .on_stop = OnStop::Shutdown});
    begin_snapshot();
    stop();
    wait(10s);
    CHECK(told_to_end() == 0);

    end_snapshot();
    CHECK(commands(Monitor::Powerdown) == 1);
    wait(4s);
    CHECK(commands(Monitor::Quit) == 0);
    wait(2s);
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(HeldVm, "who is to be cut is cut, snapshot or not", "[agent]") {
    configure({.on_stop = OnStop::Kill});
    begin_snapshot();
    stop();
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(HeldVm, "a change of a medium gives way to the stop of the machine", "[agent]") {
    order(Verb::Eject, 1, {});
    const DriveFacts locked{
        .drive = {.name = "ide2-cd0", .image = "/a.iso", .has_tray = true, .is_locked = true},
        .device = "/machine/cd"};
    reply(Monitor::QueryDrives, {.drives = {locked}});
    REQUIRE(commands(Monitor::OpenTray) == 1); // its guest is asked
    stop();

    REQUIRE(outcome());
    REQUIRE(outcome()->error);
    CHECK(outcome()->error->code == ErrorCode::Conflict);
    CHECK(outcome()->error->message == "its host stops; nothing was done");
    CHECK(says("suspended to disk"));
    wait(11s);
    CHECK(commands(Monitor::Eject) == 0);
}
