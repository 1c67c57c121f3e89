#include "agent/core/snapshots.h"
#include "tests/unit/agent/core/saved_state_fixture.h"

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;
using ctys::testing::SavedStateFixture;

namespace {

const TimerKey snapshot_timer{.kind = TimerKind::Snapshot,
                              .instance = CoreFixture::key(SavedStateFixture::pid),
                              .action = {}};

DiskFacts disk_with(std::vector<SnapshotFacts> snapshots = {}, std::string node = "#block1") {
    return {.name = "ide0-hd0",
            .node = std::move(node),
            .file = "web.img",
            .format = "qcow2",
            .snapshots = std::move(snapshots)};
}

SnapshotFacts saved_as(std::string name, std::uint64_t state = 4096) {
    return {.name = std::move(name), .at = {1'700'000'000'000'000}, .state_bytes = state};
}

/// One VM of ours.
struct DiskVm : SavedStateFixture {
    DiskVm() : DiskVm(Recovered{}) {}
    explicit DiskVm(Recovered recovered)
        : SavedStateFixture(std::move(recovered), {}, {}, {}, [](const auto& tell) {
              InstanceRecord record{.key = key(pid),
                                    .vm = vm(1),
                                    .label = "vm1",
                                    .managed = true,
                                    .owner = Owner::Ctys,
                                    .state = VmState::Running};
              tell(Appeared{std::move(record), /*adopted=*/true});
          }) {}

    ActionId save(std::string name = "one") {
        return order(Verb::SaveSnapshot, 1, {.snapshot = std::move(name)});
    }
    ActionId revert(std::string name = "one") {
        return order(Verb::RevertSnapshot, 1, {.snapshot = std::move(name)});
    }
    ActionId remove(std::string name = "one") {
        return order(Verb::DeleteSnapshot, 1, {.snapshot = std::move(name)});
    }
    void tell_disks(std::vector<DiskFacts> disks) {
        reply(Monitor::QueryDisks, {.disks = std::move(disks)});
    }
    /// QEMU says how it stands, then what its disks hold.
    void see(VmState state, std::vector<DiskFacts> disks, std::string reason = {}) {
        reply(Monitor::QueryStatus, {.state = state, .reason = std::move(reason)});
        tell_disks(std::move(disks));
    }
    void conclude_job(Monitor command, std::string error = {}) {
        const auto job = last(command)->job.id;
        input(MonitorEvent{
            .key = key(pid), .what = MonitorEvent::What::JobConcluded, .reason = job, .time = {}});
        reply(Monitor::QueryJobs,
              {.jobs = {{.id = job, .concluded = true, .error = std::move(error)}}});
    }
    void decline(Monitor command, ErrorCode code) {
        reply(command, {.error = Error{.code = code, .message = "no"}});
    }
    [[nodiscard]] InstanceRecord record() { return core().instances().all().at(key(pid)).record; }
    [[nodiscard]] std::optional<Error> error() const {
        REQUIRE(outcome());
        return outcome()->error;
    }
    [[nodiscard]] std::size_t jobs() const {
        return commands(Monitor::SaveState) + commands(Monitor::LoadState) +
               commands(Monitor::DeleteState);
    }
};

struct DiskUp : DiskVm {
    DiskUp() {
        monitor_up(pid);
        forget_deeds();
    }
};

Recovered amid_job(Verb verb) {
    Recovered recovered;
    recovered.intents.push_back({.action = {9},
                                 .verb = verb,
                                 .instance = CoreFixture::key(SavedStateFixture::pid),
                                 .vm = CoreFixture::vm(1),
                                 .at = {},
                                 .device = {},
                                 .image = {},
                                 .snapshot = "one"});
    return recovered;
}

struct AfterSave : DiskVm {
    AfterSave() : DiskVm(amid_job(Verb::SaveSnapshot)) {}
};
struct AfterRevert : DiskVm {
    AfterRevert() : DiskVm(amid_job(Verb::RevertSnapshot)) {}
};

} // namespace

TEST_CASE_METHOD(DiskUp,
                 "a snapshot is saved by a job, and told with name and duration",
                 "[agent]") {
    const auto action = save();
    auto cd = disk_with({}, "#cd");
    cd.writable = false;
    tell_disks({disk_with(), disk_with({}, "#block2"), cd});
    const auto job = last(Monitor::SaveState);
    REQUIRE(job);
    CHECK(job->job.tag == "one");
    CHECK(job->job.vmstate == "#block1");
    CHECK(job->job.nodes == std::vector<std::string>{"#block1", "#block2"});
    CHECK(record().state == VmState::Paused);
    CHECK(record().reason == "saving");
    live(3s);
    conclude_job(Monitor::SaveState);
    CHECK(commands(Monitor::DismissJob) == 1);
    CHECK_FALSE(outcome());
    see(VmState::Running,
        {disk_with({saved_as("one")}), disk_with({saved_as("one", 0)}, "#block2"), cd});

    CHECK_FALSE(error());
    CHECK(outcome()->text == "one, after 3.0 s");
    CHECK(record().state == VmState::Running);
    const auto told = events(EventKind::Snapshot);
    REQUIRE(told.size() == 1);
    CHECK(told[0].text == "one saved, after 3.0 s");
    CHECK(told[0].action == action);
    CHECK(told[0].data[0] == std::pair<std::string, std::string>{"what", "saved"});
    const auto kept = std::get<InstanceRecord>(told[0].payload).snapshots;
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].name == "one");
    CHECK(kept[0].is_whole);
    CHECK(events(EventKind::ActionProgress).at(0).text == "saving one on 2 disks");
    // Stop and resume of its own are no news of a person's.
    CHECK(events(EventKind::Paused).size() == 1);
}

TEST_CASE_METHOD(DiskUp, "a revert is told before the VM is told to run", "[agent]") {
    revert();
    tell_disks({disk_with({saved_as("one", 0)}), disk_with({saved_as("one")}, "#block2")});
    const auto job = last(Monitor::LoadState);
    REQUIRE(job);
    CHECK(job->job.vmstate == "#block2"); // where the memory is
    CHECK(record().reason == "restoring");
    conclude_job(Monitor::LoadState);
    CHECK(events(EventKind::Reverted).size() == 1);
    CHECK(events(EventKind::Running).empty());
    see(VmState::Running, {disk_with({saved_as("one")})});

    CHECK_FALSE(error());
    CHECK(events(EventKind::Running).size() == 1);
    CHECK(events(EventKind::Reverted).size() == 1);
    CHECK(events(EventKind::Reverted)[0].data[0].second == "one");
}

TEST_CASE_METHOD(DiskUp, "a VM that was paused stays so", "[agent]") {
    order(Verb::Pause, 1);
    reply(Monitor::Stop);
    revert();
    tell_disks({disk_with({saved_as("one")})});
    conclude_job(Monitor::LoadState);
    see(VmState::Paused, {disk_with({saved_as("one")})});

    CHECK(record().state == VmState::Paused);
    CHECK(record().reason.empty());
    CHECK(commands(Monitor::Cont) == 0);
}

TEST_CASE_METHOD(DiskUp, "what is deleted does not stand meanwhile", "[agent]") {
    remove();
    auto raw = disk_with();
    raw.format = "raw"; // is of no account
    tell_disks({raw, disk_with({saved_as("one")}, "#block2")});
    CHECK(last(Monitor::DeleteState)->job.nodes == std::vector<std::string>{"#block2"});
    CHECK(record().state == VmState::Running);
    conclude_job(Monitor::DeleteState);
    see(VmState::Running, {raw, disk_with({}, "#block2")});

    CHECK_FALSE(error());
    CHECK(record().snapshots.empty());
    CHECK(events(EventKind::Snapshot).at(0).text.starts_with("one deleted, after"));
}

TEST_CASE("what cannot be done names the disk or the snapshot, and why", "[agent]") {
    auto raw = disk_with();
    raw.format = "raw";
    auto temporary = disk_with();
    temporary.temporary = true;
    const auto plan = [](Verb verb, std::vector<DiskFacts> disks) {
        const Action action{.id = {7}, .verb = verb, .snapshot = "one"};
        const auto job = plan_job(action, disks, "vm1");
        REQUIRE_FALSE(job);
        return job.error();
    };
    const auto save = Verb::SaveSnapshot;
    const auto revert = Verb::RevertSnapshot;

    CHECK(
        plan(save, {disk_with(), raw}).message ==
        "cannot save a snapshot: its disk ide0-hd0 (web.img) is raw, and only qcow2 can keep one");
    CHECK(plan(revert, {disk_with({saved_as("one")}), raw}).message.find("is raw") !=
          std::string::npos);
    CHECK(plan(save, {temporary}).message.find("temporary file") != std::string::npos);
    CHECK(plan(save, {}).message.find("no qcow2 disk") != std::string::npos);
    CHECK(plan(save, {disk_with(), disk_with({saved_as("one")})}).message ==
          "it has a snapshot one already");
    CHECK(plan(revert, {disk_with({saved_as("two")})}).code == ErrorCode::NotFound);
    CHECK(plan(Verb::DeleteSnapshot, {disk_with()}).code == ErrorCode::NotFound);
    auto second = disk_with({}, "#block2");
    second.name = "virtio1";
    CHECK(plan(revert, {disk_with({saved_as("one")}), second})
              .message.starts_with("its disk virtio1 (web.img) has no snapshot one"));
    CHECK(plan(revert, {disk_with({saved_as("one", 0)})}).message.find("without its memory") !=
          std::string::npos);
}

TEST_CASE("the list leaves out what suspend keeps, and tells what is not whole", "[agent]") {
    auto late = saved_as("aaa");
    late.at.us += 1;
    const auto all = snapshots_of({disk_with({late, saved_as("ctys-suspend"), saved_as("part")}),
                                   disk_with({late}, "#block2")});

    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "part"); // the older one first
    CHECK_FALSE(all[0].is_whole);
    CHECK(all[1].name == "aaa");
    CHECK(all[1].is_whole);
    CHECK_FALSE(snapshots_of({disk_with({saved_as("one", 0)})}).at(0).is_whole);
}

TEST_CASE_METHOD(DiskUp, "before QEMU is told a failed snapshot has done nothing", "[agent]") {
    const auto action = save();
    auto code = ErrorCode::Failed;
    SECTION("QEMU does not tell its disks") {
        decline(Monitor::QueryDisks, ErrorCode::Failed);
    }
    SECTION("its disks are not told in time") {
        code = ErrorCode::TimedOut;
        live(Snapshots::look_limit), fire(snapshot_timer);
    }
    SECTION("it is cancelled") {
        code = ErrorCode::Cancelled;
        tell(msg::CancelCommand{action});
    }
    SECTION("the VM ends") {
        exit(EndedBy::Guest);
    }

    CHECK(error()->code == code);
    CHECK(jobs() == 0);
    CHECK(events(EventKind::Paused).empty());
}

TEST_CASE_METHOD(DiskUp, "what QEMU cannot save fails with its words, and it goes on", "[agent]") {
    save();
    tell_disks({disk_with()});
    std::string words = "QEMU: No space left on device";
    SECTION("the job fails") {
        conclude_job(Monitor::SaveState, "No space left on device");
    }
    SECTION("QEMU refuses") {
        words = "no";
        decline(Monitor::SaveState, ErrorCode::Failed);
    }
    see(VmState::Running, {disk_with()});

    CHECK(error()->message == words);
    CHECK(record().state == VmState::Running);
    CHECK(events(EventKind::Snapshot).empty());
    // And it can be asked for anything again.
    order(Verb::Pause, 1);
    CHECK(commands(Monitor::Stop) == 1);
}

TEST_CASE_METHOD(DiskUp, "a VM that could not be loaded stands, and is told so", "[agent]") {
    revert();
    tell_disks({disk_with({saved_as("one")})});
    conclude_job(Monitor::LoadState, "Error -22 while loading VM state");
    see(VmState::Paused, {disk_with({saved_as("one")})}, "restoring");

    CHECK(error()->message.find("it stands") != std::string::npos);
    CHECK(error()->try_next == "ctys reset vm1, or ctys kill vm1");
    CHECK(events(EventKind::Reverted).empty());
}

TEST_CASE_METHOD(DiskUp, "a QEMU that saves answers nobody, and is waited for", "[agent]") {
    const auto action = save();
    tell_disks({disk_with()});
    decline(Monitor::SaveState, ErrorCode::TimedOut);
    live(Snapshots::tick);
    REQUIRE(fire(snapshot_timer));
    CHECK(events(EventKind::ActionProgress).back().text == "saving for 10s");
    decline(Monitor::QueryJobs, ErrorCode::TimedOut);
    tell(msg::CancelCommand{action}); // QEMU would not hear it
    CHECK_FALSE(outcome());
    SECTION("its end is told") {
        conclude_job(Monitor::SaveState);
    }
    SECTION("its end was told to a connection that is gone") {
        monitor_up(pid);
        reply(Monitor::QueryJobs,
              {.jobs = {{.id = last(Monitor::SaveState)->job.id, .concluded = true}}});
    }
    see(VmState::Running, {disk_with({saved_as("one")})});
    CHECK_FALSE(error());
}

TEST_CASE_METHOD(DiskUp, "a job that takes too long goes on without its action", "[agent]") {
    save();
    tell_disks({disk_with()});
    for (int i = 0; i < 60; ++i)
        live(Snapshots::tick), fire(snapshot_timer);
    CHECK(error()->code == ErrorCode::TimedOut);
    order(Verb::Reset, 1);
    CHECK(answers<msg::CommandRefused>().at(0).error.message == "a snapshot of it is being saved");
    conclude_job(Monitor::SaveState);
    see(VmState::Running, {disk_with({saved_as("one")})});

    CHECK(events(EventKind::ActionEnded).size() == 1); // once
    CHECK(events(EventKind::Snapshot).size() == 1);
    CHECK(record().state == VmState::Running);
}

TEST_CASE_METHOD(DiskUp, "meanwhile nobody but a kill does anything to it", "[agent]") {
    save();
    tell_disks({disk_with()});
    for (const auto verb : {Verb::Pause,
                            Verb::Resume,
                            Verb::Reset,
                            Verb::Reboot,
                            Verb::Shutdown,
                            Verb::Suspend,
                            Verb::Eject,
                            Verb::DeleteSnapshot})
        order(verb, 1);
    const auto refused = answers<msg::CommandRefused>();
    CHECK(refused.size() == 8);
    for (const auto& each : refused)
        CHECK(each.error.message == "a snapshot of it is being saved");
    order(Verb::Kill, 1);
    CHECK(commands(Monitor::Quit) == 1);
    exit();

    const auto ended = events(EventKind::ActionEnded);
    REQUIRE(ended.size() == 2); // the kill, and what was saved
    CHECK_FALSE(std::get<ActionRecord>(ended[0].payload).outcome->error);
    CHECK(std::get<ActionRecord>(ended[1].payload).outcome->error->code == ErrorCode::Failed);
}

TEST_CASE_METHOD(DiskUp,
                 "the next snapshot waits until the disks of the last one are told",
                 "[agent]") {
    save();
    tell_disks({disk_with()});
    conclude_job(Monitor::SaveState);
    save("two");
    CHECK(answers<msg::CommandRefused>().size() == 1);
    see(VmState::Running, {disk_with({saved_as("one")})});
    CHECK_FALSE(error());
    save("two");
    CHECK(answers<msg::CommandRefused>().size() == 1);
}

TEST_CASE_METHOD(AfterSave, "a save of a former life is found again by its job", "[agent]") {
    CHECK_FALSE(outcome());
    SECTION("its QEMU does not call") {
        live(Snapshots::work_limit), fire(snapshot_timer);
        CHECK(error()->code == ErrorCode::Indeterminate);
        return;
    }
    monitor_up(pid);
    const std::string job = "ctys-saving-" + ActionId{9}.to_string();
    SECTION("it has ended") {
        reply(Monitor::QueryJobs, {.jobs = {{.id = job, .concluded = true}}});
        see(VmState::Running, {disk_with({saved_as("one")})});
        CHECK_FALSE(error());
    }
    SECTION("it has failed") {
        reply(Monitor::QueryJobs, {.jobs = {{.id = job, .concluded = true, .error = "no"}}});
        see(VmState::Running, {disk_with()});
        CHECK(error()->message == "QEMU: no");
    }
    SECTION("it is under way") {
        reply(Monitor::QueryJobs, {.jobs = {{.id = job}}});
        CHECK_FALSE(outcome());
        input(MonitorEvent{
            .key = key(pid), .what = MonitorEvent::What::JobConcluded, .reason = job, .time = {}});
        reply(Monitor::QueryJobs, {.jobs = {{.id = job, .concluded = true}}});
        see(VmState::Running, {disk_with({saved_as("one")})});
        CHECK_FALSE(error());
    }
    SECTION("QEMU knows nothing of it, and the disks have it") {
        reply(Monitor::QueryJobs);
        see(VmState::Running, {disk_with({saved_as("one")})});
        CHECK_FALSE(error());
    }
    SECTION("QEMU knows nothing of it, nor do the disks") {
        reply(Monitor::QueryJobs);
        see(VmState::Running, {disk_with()});
        CHECK(error()->code == ErrorCode::Unreachable);
        CHECK(error()->try_next == "ctys snapshot save vm1 one");
    }
    CHECK(jobs() == 0);
    CHECK(record().state == VmState::Running);
}

TEST_CASE_METHOD(AfterRevert, "a revert that nobody can tell of is indeterminate", "[agent]") {
    monitor_up(pid);
    reply(Monitor::QueryJobs);
    see(VmState::Running, {disk_with({saved_as("one")})});

    CHECK(error()->code == ErrorCode::Indeterminate);
    CHECK(jobs() == 0);
    CHECK(events(EventKind::Reverted).empty());
}

TEST_CASE_METHOD(DiskVm, "what the disks hold at first is told with the VM", "[agent]") {
    input(MonitorUp{.key = key(pid),
                    .state = VmState::Running,
                    .reason = {},
                    .accelerator = "tcg",
                    .version = "7.2",
                    .display = {},
                    .disks = {disk_with({saved_as("one")})}});

    REQUIRE_FALSE(events(EventKind::VmChanged).empty());
    CHECK(record().snapshots.size() == 1);
}
