#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;

namespace {

/// One VM of ours with its monitor and a channel to an agent inside.
struct WithGuestAgent : CoreFixture {
    WithGuestAgent() {
        adopt(100, 1);
        come_up();
        forget_deeds();
    }

    void come_up() {
        input(MonitorUp{.key = key(100),
                        .state = VmState::Running,
                        .reason = {},
                        .accelerator = "tcg",
                        .version = "7.2",
                        .display = {},
                        .has_guest_agent = true});
    }
    [[nodiscard]] std::vector<AskGuest> questions() const { return done<AskGuest>(); }
    void answer(const AskGuest& question, std::optional<Error> error = {}, int status = 0) {
        input(GuestAnswered{.key = question.key,
                            .number = question.number,
                            .error = std::move(error),
                            .exit_status = status});
    }
    static Error silence() {
        return {.code = ErrorCode::TimedOut, .message = "it did not answer within 1.0 s"};
    }
    [[nodiscard]] std::size_t presses() const { return commands(Monitor::Powerdown); }
    /// The outcome of an action; empty where it has not ended.
    [[nodiscard]] std::string outcome(ActionId action) const {
        for (const auto& event : events(EventKind::ActionEnded)) {
            if (event.action == action) return event.text;
        }
        return {};
    }
    ActionId enter(std::uint8_t level) {
        return order(Verb::Init, 1, {.instance = key(100), .run_level = level});
    }
    void end() {
        input(Exited{key(100),
                     {.by = EndedBy::Guest,
                      .evidence = Evidence::Qmp,
                      .exit_code = 0,
                      .detail = {},
                      .at = now().wall}});
    }

    const TimerKey ladder{.kind = TimerKind::Ladder, .instance = key(100), .action = {}};
};

} // namespace

TEST_CASE_METHOD(WithGuestAgent, "A guest agent is asked before any button is pressed", "[agent]") {
    const auto action = order(Verb::Shutdown, 1);
    REQUIRE(questions().size() == 1);
    CHECK(questions()[0].what == AskGuest::What::PowerOff);
    CHECK(questions()[0].sync == 1s);
    CHECK(questions()[0].answer == 5s);
    REQUIRE(events(EventKind::Asked).size() == 1);
    CHECK(events(EventKind::Asked)[0].by == "guest agent");

    pass(2s);
    answer(questions()[0]);
    end();

    CHECK(presses() == 0);
    CHECK(outcome(action) == "gone after 2.0 s, through its guest agent");
    const auto ended = events(EventKind::Stopped);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].text == "guest agent");
}

TEST_CASE_METHOD(WithGuestAgent,
                 "The button is pressed at once where a guest agent fails",
                 "[agent]") {
    const auto action = order(Verb::Shutdown, 1);

    pass(1s);
    answer(questions()[0], silence());

    CHECK(presses() == 1);
    REQUIRE(events(EventKind::Asked).size() == 2);
    CHECK(events(EventKind::Asked)[1].by == "power button");
    CHECK(events(EventKind::Asked)[1].text ==
          "power button; its guest agent: it did not answer within 1.0 s");
    pass(30s);
    ping();
    REQUIRE(fire(ladder));
    CHECK(questions().size() == 1);
    CHECK(presses() == 2);
    CHECK(events(EventKind::Asked)[2].text == "power button");
    end();
    CHECK(outcome(action) == "gone after 31s");
}

TEST_CASE_METHOD(WithGuestAgent, "An answer to another question presses no button", "[agent]") {
    order(Verb::Shutdown, 1);
    const auto first = questions()[0];

    SECTION("of before") {
        pass(30s);
        ping();
        REQUIRE(fire(ladder));
        REQUIRE(questions().size() == 2);
        answer(first, silence());
        CHECK(presses() == 0);
    }
    SECTION("that a reset of its guest has overtaken") {
        input(MonitorEvent{.key = key(100),
                           .what = MonitorEvent::What::Reset,
                           .by_guest = true,
                           .reason = "guest-reset",
                           .time = now().wall});
        CHECK(presses() == 1);
        answer(first, silence());
        CHECK(presses() == 1);
    }
    SECTION("behind the end") {
        end();
        answer(first, silence());
        CHECK(presses() == 0);
    }
}

TEST_CASE_METHOD(WithGuestAgent, "A guest agent that fails puts no cut off", "[agent]") {
    order(Verb::Shutdown, 1, {.deadline = 500ms});
    pass(500ms);
    REQUIRE(fire(ladder));
    CHECK(commands(Monitor::Quit) == 1);

    answer(questions()[0], silence());

    CHECK(presses() == 0);
    pass(5s);
    REQUIRE(fire(ladder));
    CHECK(events(EventKind::Asked).back().text == "power cut at its 0.5 s deadline by SIGTERM");
}

TEST_CASE_METHOD(WithGuestAgent,
                 "A reboot asks the guest agent, and else presses the button",
                 "[agent]") {
    const auto action = order(Verb::Reboot, 1);
    const auto armed = done<MonitorCommand>();
    REQUIRE(armed.back().command == Monitor::ShutdownPauses);
    input(MonitorReply{.key = key(100), .number = armed.back().number, .reason = {}});
    REQUIRE(questions().size() == 1);
    CHECK(presses() == 0);

    SECTION("it is taken") {
        answer(questions()[0]);
        CHECK(presses() == 0);
    }
    SECTION("it fails") {
        answer(questions()[0], silence());
        CHECK(presses() == 1);
    }
    input(MonitorEvent{.key = key(100),
                       .what = MonitorEvent::What::Shutdown,
                       .by_guest = true,
                       .reason = "guest-shutdown",
                       .time = now().wall});
    CHECK(commands(Monitor::Reset) == 1);
    CHECK(outcome(action).empty());
}

TEST_CASE_METHOD(WithGuestAgent, "Another run level is entered by the guest agent", "[agent]") {
    const auto action = enter(3);
    REQUIRE(questions().size() == 1);
    CHECK(questions()[0].what == AskGuest::What::RunLevel);
    CHECK(questions()[0].level == 3);
    CHECK(done<ChangeRunLevel>().empty()); // that would be of this very machine

    SECTION("which did it") {
        answer(questions()[0]);
        CHECK(outcome(action) == "run level 3 is entered");
    }
    SECTION("whose init failed") {
        answer(questions()[0], std::nullopt, 1);
        CHECK(outcome(action) == "/sbin/init 3 inside of vm1 ended with 1");
    }
    SECTION("which is not there") {
        answer(questions()[0], silence());
        CHECK(outcome(action) == "the guest agent of vm1: it did not answer within 1.0 s");
        CHECK(events(EventKind::ActionEnded)[0].action == action);
    }
    SECTION("whose channel an order to end it has taken") {
        answer(questions()[0],
               Error{.code = ErrorCode::Conflict, .message = "it was asked for something else"});
        CHECK(outcome(action) == "the guest agent of vm1: it was asked for something else");
        const auto ended = events(EventKind::ActionEnded);
        CHECK(ended[0].data.back() == std::pair<std::string, std::string>{"code", "indeterminate"});
    }
    SECTION("which ends meanwhile") {
        end();
        CHECK(outcome(action) == "the VM ended meanwhile, by guest");
        answer(questions()[0]); // nobody waits for it any more
        CHECK(events(EventKind::ActionEnded).size() == 1);
    }
    CHECK(presses() == 0);
}

TEST_CASE_METHOD(WithGuestAgent, "One run level is entered at a time", "[agent]") {
    enter(3);
    enter(2);
    REQUIRE(answers<msg::CommandRefused>().size() == 1);
    CHECK(answers<msg::CommandRefused>()[0].error.message ==
          "its run level is being changed already");
    CHECK(questions().size() == 1);
}

TEST_CASE_METHOD(WithGuestAgent,
                 "A machine that goes down asks guests without waiting for its disk",
                 "[agent]") {
    input(StopAsked{.deadline = 60s, .why = "poweroff"});
    CHECK(questions().size() == 1);
    CHECK(presses() == 0);
}

TEST_CASE_METHOD(CoreFixture,
                 "A VM without a channel to a guest agent enters no run level",
                 "[agent]") {
    adopt(100, 1);
    monitor_up(100);

    order(Verb::Init, 1, {.instance = key(100), .run_level = 3});

    REQUIRE(answers<msg::CommandRefused>().size() == 1);
    const auto error = answers<msg::CommandRefused>()[0].error;
    CHECK(error.code == ErrorCode::Unsupported);
    CHECK(error.message ==
          "run level 3 is entered by an agent inside, and there is none: vm1 is no "
          "worker, and runs without GUESTAGENT=yes");
    CHECK(done<AskGuest>().empty());
    CHECK(done<ChangeRunLevel>().empty());
}

TEST_CASE_METHOD(CoreFixture, "Whether a VM has a channel is told with its monitor", "[agent]") {
    adopt(100, 1);
    input(MonitorUp{.key = key(100),
                    .state = VmState::Running,
                    .reason = {},
                    .accelerator = {},
                    .version = {},
                    .display = {},
                    .has_guest_agent = true});

    const auto changes = events(EventKind::VmChanged);
    REQUIRE(changes.size() == 1);
    CHECK(std::get<InstanceRecord>(changes[0].payload).guest_agent);
}

TEST_CASE_METHOD(CoreFixture,
                 "A run level waits until it is known whether the VM has a channel",
                 "[agent]") {
    adopt(100, 1);
    order(Verb::Init, 1, {.instance = key(100), .run_level = 3});
    CHECK(answers<msg::CommandRefused>().empty());
    CHECK(done<AskGuest>().empty());

    SECTION("it has") {
        input(MonitorUp{.key = key(100),
                        .state = VmState::Running,
                        .reason = {},
                        .accelerator = {},
                        .version = {},
                        .display = {},
                        .has_guest_agent = true});
        CHECK(done<AskGuest>().size() == 1);
    }
    SECTION("it has not") {
        monitor_up(100);
        REQUIRE(answers<msg::CommandRefused>().size() == 1);
        CHECK(answers<msg::CommandRefused>()[0].error.code == ErrorCode::Unsupported);
    }
}
