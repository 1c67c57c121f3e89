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
