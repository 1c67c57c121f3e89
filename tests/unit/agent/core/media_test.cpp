#include "agent/core/media.h"
#include "tests/unit/agent/core/saved_state_fixture.h"

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;
using ctys::testing::SavedStateFixture;

namespace {

const TimerKey media_timer{
    .kind = TimerKind::Media, .instance = CoreFixture::key(SavedStateFixture::pid), .action = {}};

DriveFacts cd(std::string image, bool locked = false) {
    return {.drive = {.name = "ide2-cd0",
                      .image = std::move(image),
                      .has_tray = true,
                      .is_locked = locked},
            .device = "/machine/cd"};
}

/// One VM of ours that runs, with a CD in its drive.
struct DriveVm : SavedStateFixture {
    DriveVm() : DriveVm(Recovered{}) {}
    explicit DriveVm(Recovered recovered)
        : SavedStateFixture(std::move(recovered), {}, {}, {}, [](const auto& tell) {
              InstanceRecord record{.key = key(pid),
                                    .vm = vm(1),
                                    .label = "vm1",
                                    .managed = true,
                                    .owner = Owner::Ctys,
                                    .state = VmState::Running,
                                    .uid = 77,
                                    .config = "/pool/vm1/vm1.ctys"};
              tell(Appeared{std::move(record), /*adopted=*/true});
          }) {}

    void up(std::vector<Drive> drives) {
        input(MonitorUp{.key = key(pid),
                        .state = VmState::Running,
                        .reason = {},
                        .accelerator = "tcg",
                        .version = "7.2",
                        .display = {},
                        .drives = std::move(drives)});
    }
    ActionId change(std::string image = "/iso/b.iso", std::string device = "ide2-cd0") {
        return order(
            Verb::ChangeMedium, 1, {.device = std::move(device), .image = std::move(image)});
    }
    ActionId eject(bool force = false) { return order(Verb::Eject, 1, {.force = force}); }
    void tell_drives(std::vector<DriveFacts> drives) {
        reply(Monitor::QueryDrives, {.drives = std::move(drives)});
    }
    void decline(Monitor command, ErrorCode code) {
        reply(command, {.error = Error{.code = code, .message = "no"}});
    }
    void check_image(std::optional<Error> error = {}) {
        const auto checks = done<CheckImage>();
        REQUIRE_FALSE(checks.empty());
        input(ImageChecked{
            .key = key(pid), .number = checks.back().number, .error = std::move(error)});
    }
    void move_tray(bool opens, std::string drive = "ide2-cd0") {
        input(MonitorEvent{.key = key(pid),
                           .what = MonitorEvent::What::TrayMoved,
                           .reason = std::move(drive),
                           .time = now().wall,
                           .is_open = opens});
    }
    [[nodiscard]] std::vector<Drive> drives() {
        return core().instances().all().at(key(pid)).record.drives;
    }
    [[nodiscard]] std::optional<Error> error() const {
        REQUIRE(outcome());
        return outcome()->error;
    }
    [[nodiscard]] std::size_t told_to_qemu() const {
        return commands(Monitor::Eject) + commands(Monitor::ChangeMedium);
    }
};

/// Up, with a CD in its drive.
struct DriveUp : DriveVm {
    DriveUp() {
        up({cd("/iso/a.iso").drive});
        forget_deeds();
    }
};

Recovered amid_change(Verb verb, std::string image) {
    Recovered recovered;
    recovered.intents.push_back({.action = {9},
                                 .verb = verb,
                                 .instance = CoreFixture::key(SavedStateFixture::pid),
                                 .vm = CoreFixture::vm(1),
                                 .at = {},
                                 .device = "ide2-cd0",
                                 .image = std::move(image)});
    return recovered;
}

struct AfterCrash : DriveVm {
    AfterCrash() : DriveVm(amid_change(Verb::ChangeMedium, "b.iso")) {}
};

} // namespace

TEST_CASE_METHOD(DriveUp,
                 "a medium goes in when its image was checked and QEMU took it",
                 "[agent]") {
    const auto action = change();
    tell_drives({cd("/iso/a.iso")});
    REQUIRE(done<CheckImage>().size() == 1);
    CHECK(done<CheckImage>()[0].image == "/iso/b.iso");
    CHECK(done<CheckImage>()[0].uid == 77);
    CHECK(told_to_qemu() == 0); // not before
    check_image();
    const auto told = last(Monitor::ChangeMedium);
    REQUIRE(told);
    CHECK(told->medium.device == "/machine/cd");
    CHECK(told->medium.image == "/iso/b.iso");
    CHECK_FALSE(told->medium.force);
    move_tray(true);
    move_tray(false);
    reply(Monitor::ChangeMedium);
    CHECK_FALSE(outcome());
    tell_drives({cd("/iso/b.iso")});

    CHECK_FALSE(error());
    CHECK(outcome()->text == "ide2-cd0: /iso/b.iso");
    CHECK(drives() == std::vector{cd("/iso/b.iso").drive});
    const auto trays = events(EventKind::TrayMoved);
    REQUIRE(trays.size() == 2);
    CHECK(trays[0].text == "ide2-cd0 is open");
    CHECK(trays[0].action == action);
    CHECK(std::get<InstanceRecord>(trays[0].payload).drives.at(0).is_open);
    const auto media = events(EventKind::MediumChanged);
    REQUIRE(media.size() == 1);
    CHECK(media[0].action == action);
    CHECK(media[0].data[2] == std::pair<std::string, std::string>{"was", "/iso/a.iso"});
}

TEST_CASE_METHOD(DriveUp, "a relative image lies beside the configuration", "[agent]") {
    change("b.iso");
    tell_drives({cd("")});

    CHECK(done<CheckImage>().at(0).image == "/pool/vm1/b.iso");
}

TEST_CASE_METHOD(DriveUp, "an eject leaves the drive empty, and no image is looked at", "[agent]") {
    eject();
    tell_drives({cd("/iso/a.iso")});
    reply(Monitor::Eject);
    tell_drives({cd("")});

    CHECK_FALSE(error());
    CHECK(done<CheckImage>().empty());
    CHECK(events(EventKind::MediumChanged).at(0).text == "ide2-cd0: no medium");
}

TEST_CASE_METHOD(DriveUp, "an empty drive is not ejected again", "[agent]") {
    eject();
    tell_drives({cd("")});

    CHECK_FALSE(error());
    CHECK(outcome()->text == "ide2-cd0 is empty already");
    CHECK(told_to_qemu() == 0);
}

TEST_CASE_METHOD(DriveUp, "a guest that has locked its tray is asked to open it", "[agent]") {
    const auto action = eject();
    tell_drives({cd("/iso/a.iso", /*locked=*/true)});
    REQUIRE(last(Monitor::OpenTray));
    CHECK(last(Monitor::OpenTray)->medium.device == "/machine/cd");
    CHECK_FALSE(last(Monitor::OpenTray)->medium.force);
    decline(Monitor::OpenTray, ErrorCode::Failed); // as QEMU does when it has asked
    CHECK_FALSE(outcome());
    CHECK(told_to_qemu() == 0);

    SECTION("and does so") {
        move_tray(true);
        auto open = cd("/iso/a.iso");
        open.drive.is_open = true;
        tell_drives({open});
        REQUIRE(last(Monitor::Eject));
        CHECK_FALSE(last(Monitor::Eject)->medium.force);
        reply(Monitor::Eject);
        tell_drives({cd("")});
        CHECK_FALSE(error());
        CHECK(events(EventKind::TrayMoved).at(0).action == action);
    }
    SECTION("and does not") {
        live(Media::ask_limit), fire(media_timer);
        CHECK(error()->code == ErrorCode::Conflict);
        CHECK(error()->message ==
              "its guest has locked the tray of ide2-cd0 and does not open it; nothing was done");
        CHECK(error()->try_next.ends_with("ctys media eject vm1 ide2-cd0 --force"));
    }
    SECTION("and has shut and locked it again before it was seen") {
        move_tray(true);
        tell_drives({cd("/iso/a.iso", /*locked=*/true)});
        CHECK(error()->code == ErrorCode::Conflict);
        CHECK(commands(Monitor::OpenTray) == 1);
        CHECK(told_to_qemu() == 0);
    }
    SECTION("and its tray was shut before it moved") {
        move_tray(false);
        CHECK_FALSE(outcome());
        CHECK(last(Monitor::QueryDrives)->number < last(Monitor::OpenTray)->number);
    }
    SECTION("while the monitor goes and comes") {
        up({cd("/iso/a.iso", /*locked=*/true).drive});
        auto open = cd("/iso/a.iso", /*locked=*/true);
        open.drive.is_open = true;
        tell_drives({open});
        CHECK(told_to_qemu() == 1);
    }
}

TEST_CASE_METHOD(DriveUp, "a guest is asked for an image that can be put in", "[agent]") {
    change();
    tell_drives({cd("/iso/a.iso", /*locked=*/true)});
    CHECK(commands(Monitor::OpenTray) == 0);

    SECTION("and it can") {
        check_image();
        REQUIRE(commands(Monitor::OpenTray) == 1);
        move_tray(true);
        auto open = cd("/iso/a.iso");
        open.drive.is_open = true;
        tell_drives({open});
        CHECK(told_to_qemu() == 1);
        CHECK(done<CheckImage>().size() == 1);
    }
    SECTION("and it cannot") {
        check_image(Error{.code = ErrorCode::NotFound, .message = "not there"});
        CHECK(error()->code == ErrorCode::NotFound);
        CHECK(commands(Monitor::OpenTray) == 0);
    }
}

TEST_CASE_METHOD(DriveUp, "the tray of another drive is no answer", "[agent]") {
    auto other = cd("/iso/c.iso");
    other.drive.name = "cd1";
    order(Verb::Eject, 1, {.device = "ide2-cd0"});
    tell_drives({cd("/iso/a.iso", /*locked=*/true), other});
    REQUIRE(commands(Monitor::OpenTray) == 1);

    move_tray(true, "cd1");

    CHECK_FALSE(outcome());
    CHECK(events(EventKind::TrayMoved).at(0).by.empty());
    move_tray(true);
    auto open = cd("/iso/a.iso");
    open.drive.is_open = true;
    tell_drives({open, other});
    CHECK(told_to_qemu() == 1);
}

TEST_CASE_METHOD(DriveUp, "a locked tray opens at once by force, and when it is open", "[agent]") {
    SECTION("force") {
        eject(/*force=*/true);
        tell_drives({cd("/iso/a.iso", /*locked=*/true)});

        REQUIRE(last(Monitor::Eject));
        CHECK(last(Monitor::Eject)->medium.force);
    }
    SECTION("open") {
        eject();
        auto open = cd("/iso/a.iso", /*locked=*/true);
        open.drive.is_open = true;
        tell_drives({open});

        CHECK(told_to_qemu() == 1);
    }
    CHECK(commands(Monitor::OpenTray) == 0);
}

TEST_CASE("the drive that is meant is the one of that name, or the only one", "[agent]") {
    auto other = cd("");
    other.drive.name = other.device = "cd1";
    const Action nameless{.verb = Verb::Eject};
    const Action named{.verb = Verb::Eject, .device = "cd1"};
    const Action by_device{.verb = Verb::Eject, .device = "/machine/cd"};

    CHECK(require_drive({cd("")}, nameless, "vm1")->device == "/machine/cd");
    CHECK(require_drive({cd(""), other}, named, "vm1")->device == "cd1");
    CHECK(require_drive({other, cd("")}, by_device, "vm1")->drive.name == "ide2-cd0");
    const auto two = require_drive({cd(""), other}, nameless, "vm1").error();
    CHECK(two.code == ErrorCode::Ambiguous);
    CHECK(two.message == "it has 2 drives: ide2-cd0, cd1");
    CHECK(require_drive({cd("")}, named, "vm1").error().code == ErrorCode::NotFound);
    CHECK(require_drive({}, named, "vm1").error().code == ErrorCode::Conflict);
}

TEST_CASE_METHOD(DriveUp, "before QEMU is told a failed change has done nothing", "[agent]") {
    const auto action = change();
    auto code = ErrorCode::Failed;
    SECTION("QEMU does not tell its drives") {
        decline(Monitor::QueryDrives, ErrorCode::Failed);
    }
    SECTION("the image is not there") {
        code = ErrorCode::NotFound;
        tell_drives({cd("")});
        check_image(Error{.code = code, .message = "no such image"});
    }
    SECTION("nobody answers for its storage") {
        code = ErrorCode::TimedOut;
        tell_drives({cd("")});
        live(Media::look_limit), fire(media_timer);
        check_image(); // late
    }
    SECTION("its drives are not told in time") {
        code = ErrorCode::TimedOut;
        live(Media::look_limit), fire(media_timer);
    }
    SECTION("it is cancelled") {
        code = ErrorCode::Cancelled;
        tell(msg::CancelCommand{action});
    }
    SECTION("it is cancelled while its image is looked at") {
        code = ErrorCode::Cancelled;
        tell_drives({cd("")});
        tell(msg::CancelCommand{action});
        check_image(); // late
    }
    SECTION("the VM ends") {
        exit(EndedBy::Guest);
    }

    CHECK(error()->code == code);
    CHECK(told_to_qemu() == 0);
}

TEST_CASE_METHOD(DriveUp, "what QEMU refuses fails with its words", "[agent]") {
    change();
    tell_drives({cd("/iso/a.iso")});
    check_image();
    decline(Monitor::ChangeMedium, ErrorCode::Failed);

    CHECK(error()->message == "no");
    CHECK(events(EventKind::MediumChanged).empty());
}

TEST_CASE_METHOD(DriveUp,
                 "where QEMU does not answer the drive tells whether it was done",
                 "[agent]") {
    const auto action = change();
    tell_drives({cd("/iso/a.iso")});
    check_image();
    enum class Lost { Late, Never, WithItsMonitor, WithAnotherConnection };
    const auto lost =
        GENERATE(Lost::Late, Lost::Never, Lost::WithItsMonitor, Lost::WithAnotherConnection);
    if (lost == Lost::Late) decline(Monitor::ChangeMedium, ErrorCode::TimedOut);
    if (lost == Lost::Never) live(Media::act_limit), fire(media_timer);
    if (lost == Lost::WithItsMonitor) decline(Monitor::ChangeMedium, ErrorCode::Unreachable);
    if (lost == Lost::WithItsMonitor || lost == Lost::WithAnotherConnection)
        up({cd("/iso/a.iso").drive});
    tell(msg::CancelCommand{action}); // too late
    CHECK_FALSE(outcome());
    CHECK(told_to_qemu() == 1);

    SECTION("done") {
        tell_drives({cd("/iso/b.iso")});
        CHECK_FALSE(error());
    }
    SECTION("not done") {
        tell_drives({cd("/iso/a.iso")});
        CHECK(error()->code == ErrorCode::Indeterminate);
        CHECK(error()->message.find("ide2-cd0 holds /iso/a.iso now") != std::string::npos);
    }
    SECTION("never told") {
        live(Media::unclear_limit), fire(media_timer);
        CHECK(error()->code == ErrorCode::Indeterminate);
    }
    CHECK(told_to_qemu() == 1);
}

TEST_CASE_METHOD(AfterCrash, "a change of a former life is judged, and never repeated", "[agent]") {
    CHECK_FALSE(outcome());
    SECTION("done") {
        up({cd("/pool/vm1/b.iso").drive});
        tell_drives({cd("/pool/vm1/b.iso")});
        CHECK_FALSE(error());
    }
    SECTION("not done") {
        up({cd("/iso/a.iso").drive});
        tell_drives({cd("/iso/a.iso")});
        CHECK(error()->code == ErrorCode::Indeterminate);
        CHECK(error()->message.starts_with("its agent was restarted"));
    }
    SECTION("its QEMU does not call") {
        live(Media::unclear_limit), fire(media_timer);
        CHECK(error()->code == ErrorCode::Indeterminate);
    }
    SECTION("its QEMU ends") {
        exit(EndedBy::Guest);
        CHECK(error()->code == ErrorCode::Failed);
    }
    CHECK(told_to_qemu() == 0);
}

TEST_CASE_METHOD(DriveUp, "one medium of a VM is changed at a time", "[agent]") {
    change();
    eject();

    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
}

TEST_CASE_METHOD(DriveUp, "what others do with a drive is told and kept", "[agent]") {
    move_tray(true);
    CHECK(events(EventKind::TrayMoved).at(0).by.empty());
    CHECK(drives().at(0).is_open);
    tell_drives({cd("/iso/by-hand.iso")});

    CHECK(events(EventKind::MediumChanged).at(0).text == "ide2-cd0: /iso/by-hand.iso");
    CHECK(events(EventKind::MediumChanged).at(0).action.is_none());
    CHECK(drives().at(0).image == "/iso/by-hand.iso");
    // And what it says again is no news.
    move_tray(true);
    tell_drives({cd("/iso/by-hand.iso")});
    CHECK(events(EventKind::MediumChanged).size() == 1);
}

TEST_CASE_METHOD(DriveVm,
                 "what the drives hold at first is told with the VM, not as a change",
                 "[agent]") {
    up({cd("/iso/a.iso").drive});

    CHECK(events(EventKind::MediumChanged).empty());
    const auto changed = events(EventKind::VmChanged);
    REQUIRE_FALSE(changed.empty());
    CHECK(std::get<InstanceRecord>(changed.back().payload).drives.size() == 1);
}

TEST_CASE_METHOD(DriveUp, "an unknown drive that moves is left alone", "[agent]") {
    input(MonitorEvent{.key = key(pid),
                       .what = MonitorEvent::What::TrayMoved,
                       .reason = "ide7-cd0",
                       .time = now().wall,
                       .is_open = true});

    CHECK(events(EventKind::TrayMoved).empty());
    CHECK(commands(Monitor::QueryDrives) == 0);
}

TEST_CASE_METHOD(CoreFixture, "media of a VM that others have started are left alone", "[agent]") {
    InstanceRecord record{.key = key(5), .vm = vm(2), .label = "vm2", .owner = Owner::ByHand};
    record.state = VmState::Running;
    input(Appeared{std::move(record)});
    monitor_up(5);
    order(Verb::Eject, 2);

    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.message == "only media of a VM that ctys started are changed");
}

TEST_CASE_METHOD(DriveUp, "nothing else is begun that its medium is part of", "[agent]") {
    const auto verb =
        GENERATE(Verb::SaveSnapshot, Verb::RevertSnapshot, Verb::DeleteSnapshot, Verb::Suspend);
    change();
    forget_deeds();

    order(verb, 1, {.snapshot = "one"});
    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
    CHECK(refused[0].error.message == "a medium of it is being changed");
    CHECK(refused[0].error.try_next == "ctys actions");
    CHECK(commands(Monitor::QueryDisks) == 0);
    CHECK_FALSE(outcome()); // the change goes on
}

TEST_CASE_METHOD(DriveUp, "no medium is changed while its disks are at a snapshot", "[agent]") {
    order(Verb::SaveSnapshot, 1, {.snapshot = "one"});
    forget_deeds();
    const auto verb = GENERATE(Verb::ChangeMedium, Verb::Eject);

    order(verb, 1, {.image = "/iso/b.iso"});
    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
    CHECK(refused[0].error.message == "a snapshot of it is being saved");
    CHECK(commands(Monitor::QueryDrives) == 0);
}

TEST_CASE_METHOD(DriveUp, "its disks are free again when its medium is changed", "[agent]") {
    change();
    decline(Monitor::QueryDrives, ErrorCode::Failed);
    REQUIRE(outcome());

    order(Verb::SaveSnapshot, 1, {.snapshot = "one"});
    CHECK(answers<msg::CommandRefused>().empty());
    CHECK(commands(Monitor::QueryDisks) == 1);
}
