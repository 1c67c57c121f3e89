#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;

namespace {

/// One VM of ours with its monitor.
struct Running : CoreFixture {
    Running() {
        adopt(100, 1);
        monitor_up(100);
        forget_deeds();
    }

    /// Lets the ladder's timers fire up to a time from now.
    void climb(Duration span) {
        for (Duration step = 100ms; span > 0ms; span -= step) {
            live(step);
            if (span.count() % 1000000 == 0) ping();
            while (fire(ladder)) {
            }
        }
    }
    void reply_to_last() {
        const auto commands = done<MonitorCommand>();
        REQUIRE(!commands.empty());
        input(MonitorReply{.key = key(100), .number = commands.back().number, .reason = {}});
    }

    /// The cuts that were announced: to whom, and when they come ("no": not any more).
    using Announced = std::vector<std::pair<ActionId, std::string>>;
    [[nodiscard]] Announced announced() const {
        Announced all;
        for (const auto& event : events(EventKind::CutAnnounced))
            all.emplace_back(event.action, event.data.empty() ? "no" : event.data[0].second);
        return all;
    }
    [[nodiscard]] std::string in(Duration span) const { return (now().wall + span).to_rfc3339(); }
    [[nodiscard]] std::vector<ActionId> ended() const {
        std::vector<ActionId> ids;
        for (const auto& event : events(EventKind::ActionEnded))
            ids.push_back(event.action);
        return ids;
    }

    const TimerKey ladder{.kind = TimerKind::Ladder, .instance = key(100), .action = {}};
};

} // namespace

TEST_CASE_METHOD(Running, "A second shutdown brings the cut forward", "[agent]") {
    Action first;
    SECTION("of one with a later deadline") {
        first.deadline = 60s;
    }
    SECTION("of one without any") {}
    order(Verb::Shutdown, 1, first);
    order(Verb::Shutdown, 1, {.deadline = 5s});

    climb(4900ms);
    CHECK(commands(Monitor::Quit) == 0);
    climb(200ms);
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Running, "A second shutdown never puts the cut off", "[agent]") {
    order(Verb::Shutdown, 1, {.deadline = 5s});
    Action second;
    SECTION("with a later deadline") {
        second.deadline = 60s;
    }
    SECTION("without any") {}
    order(Verb::Shutdown, 1, second);

    climb(5100ms);
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Running, "Who joins an order is told when the power is cut", "[agent]") {
    const auto first = order(Verb::Shutdown, 1, {.deadline = 10s});
    const auto later = order(Verb::Shutdown, 1, {.deadline = 60s});
    const auto without = order(Verb::Shutdown, 1);
    const auto earlier = order(Verb::Shutdown, 1, {.deadline = 5s});

    CHECK(announced() == Announced{{first, in(10s)},
                                   {later, in(10s)},
                                   {without, in(10s)},
                                   {first, in(5s)},
                                   {later, in(5s)},
                                   {without, in(5s)},
                                   {earlier, in(5s)}});
}

TEST_CASE_METHOD(Running, "More orders than can be told of a cut are refused", "[agent]") {
    for (std::size_t i = 0; i < Control::most_joined; ++i)
        order(Verb::Shutdown, 1, {.deadline = 600s - i * 1s});
    CHECK(answers<msg::CommandRefused>().empty());

    order(Verb::Shutdown, 1, {.deadline = 5s});
    REQUIRE(answers<msg::CommandRefused>().size() == 1);
    CHECK(answers<msg::CommandRefused>()[0].error.code == ErrorCode::Overloaded);
    order(Verb::Kill, 1);
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Running, "Who cancels an order cancels no other one", "[agent]") {
    const bool is_first = GENERATE(false, true);
    Action mine{.deadline = 5s};
    Action theirs{.deadline = 60s};
    theirs.principal.name = "ann";
    const auto before = order(Verb::Shutdown, 1, is_first ? mine : theirs);
    const auto after = order(Verb::Shutdown, 1, is_first ? theirs : mine);
    const auto own = is_first ? before : after;
    const auto other = is_first ? after : before;

    tell(msg::CancelCommand{own});

    REQUIRE(ended() == std::vector{own});
    CHECK(events(EventKind::ActionEnded)[0].text ==
          fmt::format("cancelled; {} by ann asks it to end all the same", other));
    CHECK(announced().back() == std::pair{other, in(60s)});
    climb(59900ms);
    CHECK(commands(Monitor::Quit) == 0);
    climb(200ms);
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Running, "A deadline that was cancelled cuts nobody else's VM", "[agent]") {
    const auto theirs = order(Verb::Shutdown, 1);
    const auto own = order(Verb::Shutdown, 1, {.deadline = 5s});

    tell(msg::CancelCommand{own});
    CHECK(announced().back() == std::pair{theirs, std::string{"no"}});
    climb(100s);
    CHECK(commands(Monitor::Quit) == 0);
    CHECK(ended() == std::vector{own});

    tell(msg::CancelCommand{theirs});
    CHECK(ended() == std::vector{own, theirs});
}

TEST_CASE_METHOD(Running, "A reboot gives up only after its deadline", "[agent]") {
    const auto reboot = order(Verb::Reboot, 1, {.deadline = 300s});
    reply_to_last();
    REQUIRE(commands(Monitor::Powerdown) == 1);

    climb(299s);
    CHECK(commands(Monitor::Reset) == 0);
    CHECK(begun() == std::vector{reboot});
    climb(1100ms);
    CHECK(commands(Monitor::Reset) == 1);
}

TEST_CASE_METHOD(Running, "A reset whose answer was lost may have happened", "[agent]") {
    order(Verb::Reset, 1);
    const auto sent = done<MonitorCommand>();
    REQUIRE(sent.back().command == Monitor::Reset);
    auto code = ErrorCode::Unreachable;
    auto told = ErrorCode::Indeterminate;
    SECTION("with the connection") {}
    SECTION("not where QEMU refuses it") {
        code = told = ErrorCode::Failed;
    }
    input(MonitorReply{.key = key(100),
                       .number = sent.back().number,
                       .error = Error{.code = code, .message = "the monitor said so"},
                       .reason = {}});
    const auto ended = events(EventKind::ActionEnded);
    REQUIRE(ended.size() == 1);
    CHECK(std::get<ActionRecord>(ended[0].payload).outcome->error->code == told);
}

namespace {

/// One that somebody has paused.
struct Standing : Running {
    Standing() { monitor_up(100, VmState::Paused), forget_deeds(); }
    void panic() {
        monitor_up(100);
        input(MonitorEvent{
            .key = key(100), .what = MonitorEvent::What::Panic, .reason = {}, .time = {}});
        forget_deeds();
    }
    [[nodiscard]] Error refusal() const {
        const auto refused = answers<msg::CommandRefused>();
        REQUIRE(refused.size() == 1);
        return refused[0].error;
    }
};

} // namespace

TEST_CASE_METHOD(Standing, "A paused guest is asked by nobody: it hears no button", "[agent]") {
    const auto verb = GENERATE(Verb::Shutdown, Verb::Reboot);
    const auto deadline = GENERATE(std::optional<Duration>{}, std::optional<Duration>{60s});
    order(verb, 1, {.deadline = deadline});
    CHECK(refusal().code == ErrorCode::Conflict);
    CHECK(refusal().message == "it is paused: its guest hears no power button");
    CHECK(refusal().try_next ==
          "ctys resume vm1, then ask again (or cut the power: ctys kill vm1)");
    CHECK(begun().empty());
    CHECK(done<MonitorCommand>().empty());
}

TEST_CASE_METHOD(Standing, "A plan lets a paused guest run before it asks it", "[agent]") {
    const auto verb = GENERATE(Verb::Shutdown, Verb::Reboot);
    order(verb, 1, {.deadline = 60s, .plan = {9}});
    const auto sent = done<MonitorCommand>();
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].command == Monitor::Cont);
    CHECK(sent[1].command == (verb == Verb::Reboot ? Monitor::ShutdownPauses : Monitor::Powerdown));
    const auto told = events(EventKind::ActionProgress);
    REQUIRE(told.size() == 1);
    CHECK(told[0].text == "it stood paused, and is resumed: its guest would hear no power button");
}

TEST_CASE_METHOD(Standing,
                 "A second order for a VM that is being ended resumes nothing",
                 "[agent]") {
    order(Verb::Shutdown, 1, {.plan = {9}});
    order(Verb::Shutdown, 1, {.deadline = 60s});
    CHECK(answers<msg::CommandRefused>().empty());
    CHECK(commands(Monitor::Cont) == 1);
}

TEST_CASE_METHOD(Standing, "A paused guest is cut where somebody said so", "[agent]") {
    SECTION("at once") {
        order(Verb::Kill, 1);
    }
    SECTION("by force") {
        order(Verb::Shutdown, 1, {.force = true});
    }
    SECTION("at a time that always cuts") {
        order(Verb::Shutdown, 1, {.deadline = 5s, .always_cut = true});
        climb(4900ms);
        CHECK(commands(Monitor::Quit) == 0);
        climb(200ms);
    }
    CHECK(commands(Monitor::Quit) == 1);
    CHECK(commands(Monitor::Cont) == 0);
}

TEST_CASE_METHOD(Standing, "A guest that has panicked can only be cut", "[agent]") {
    panic();
    SECTION("without a deadline it is refused") {
        const auto verb = GENERATE(Verb::Shutdown, Verb::Reboot);
        const ActionId plan{GENERATE(0U, 9U)};
        order(verb, 1, {.plan = plan});
        CHECK(refusal().message == "its guest has panicked and hears no power button");
        CHECK(refusal().try_next == (verb == Verb::Reboot ? "ctys reset vm1" : "ctys kill vm1"));
    }
    SECTION("with one it is cut then, and not let run") {
        order(Verb::Shutdown, 1, {.deadline = 5s});
        climb(5100ms);
        CHECK(commands(Monitor::Quit) == 1);
        CHECK(commands(Monitor::Cont) == 0);
    }
}

TEST_CASE_METHOD(Running, "An order for a process that has ended spares its successor", "[agent]") {
    input(Exited{key(100), Ending{.by = EndedBy::Guest, .detail = {}, .at = now().wall}});
    adopt(101, 1);
    monitor_up(101);
    forget_deeds();
    const auto verb = GENERATE(Verb::Kill, Verb::Shutdown, Verb::Reset, Verb::Pause);

    order(verb, 1, {.instance = key(100)});

    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
    CHECK(done<MonitorCommand>().empty());
    CHECK(done<SignalProcess>().empty());
}

TEST_CASE_METHOD(CoreFixture, "A foreign VM is not asked to reboot", "[agent]") {
    InstanceRecord record{.key = key(100), .vm = vm(1), .label = "vm1", .state = VmState::Running};
    input(agent::Appeared{std::move(record), /*adopted=*/true});
    monitor_up(100);
    forget_deeds();

    order(Verb::Reboot, 1, {});

    CHECK(done<MonitorCommand>().empty());
    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
}
