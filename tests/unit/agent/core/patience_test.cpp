#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;

namespace {

/// An adopted VM whose QEMU has not redialled yet.
struct Adopted : CoreFixture {
    Adopted() { adopt(100, 1); }

    static TimerKey timer(ActionId action) {
        return {.kind = TimerKind::Order, .instance = {}, .action = action};
    }
};

} // namespace

TEST_CASE_METHOD(Adopted, "An order to an adopted VM waits for its monitor", "[agent]") {
    const auto reset = order(Verb::Reset, 1);

    CHECK(begun().empty());
    CHECK(answers<msg::CommandRefused>().empty());
    pass(900ms);
    monitor_up(100);
    CHECK(begun() == std::vector{reset});
    CHECK(commands(Monitor::Reset) == 1);
}

TEST_CASE_METHOD(Adopted, "Orders that waited are begun in the order they came", "[agent]") {
    const auto pause = order(Verb::Pause, 1);
    const auto resume = order(Verb::Resume, 1);

    monitor_up(100);

    CHECK(begun() == std::vector{pause, resume});
}

TEST_CASE_METHOD(Adopted, "An order that waits is one however often it is sent", "[agent]") {
    const auto reset = order(Verb::Reset, 1);
    tell(msg::Command{.action = {.id = reset, .verb = Verb::Reset, .vm = vm(1)},
                      .session = now().instant.since_start,
                      .expires = now().instant.since_start + 30s});
    tell(msg::CommandQuery{reset});

    const auto status = answers<msg::CommandStatus>();
    REQUIRE(status.size() == 1);
    CHECK(status[0].known == msg::CommandStatus::Known::Running);
    monitor_up(100);
    CHECK(commands(Monitor::Reset) == 1);
}

TEST_CASE_METHOD(Adopted, "An order whose monitor does not come is refused in the end", "[agent]") {
    const auto reset = order(Verb::Reset, 1);

    live(Patience::limit - 1ms);
    CHECK_FALSE(fire(timer(reset)));
    pass(1ms);
    CHECK(fire(timer(reset)));

    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].action == reset);
    CHECK(refused[0].error.code == ErrorCode::Conflict);
    monitor_up(100);
    CHECK(begun().empty());
}

TEST_CASE_METHOD(Adopted, "An order does not wait beyond its expiry or its deadline", "[agent]") {
    Action action;
    SECTION("expiry") {
        action.expiry = 2s;
    }
    SECTION("deadline") {
        action.deadline = 2s;
    }
    const auto shutdown = order(Verb::Shutdown, 1, action);

    live(2s);
    CHECK(fire(timer(shutdown)));

    CHECK(answers<msg::CommandRefused>().size() == 1);
}

TEST_CASE_METHOD(Adopted, "The deadline of a shutdown counts from its order", "[agent]") {
    const auto shutdown = order(Verb::Shutdown, 1, {.deadline = 4s});
    live(1s);
    monitor_up(100);
    REQUIRE(begun() == std::vector{shutdown});
    CHECK(commands(Monitor::Powerdown) == 1);

    const TimerKey ladder{.kind = TimerKind::Ladder, .instance = key(100), .action = {}};
    live(3s - 1us);
    CHECK_FALSE(fire(ladder));
    pass(1us);
    CHECK(fire(ladder));
    CHECK(commands(Monitor::Quit) == 1);
}

TEST_CASE_METHOD(Adopted, "An order that waits can be withdrawn and cancelled", "[agent]") {
    const auto reset = order(Verb::Reset, 1);
    SECTION("withdrawn") {
        tell(msg::Withdraw{reset});
        CHECK(answers<msg::Withdrawn>() == std::vector{msg::Withdrawn{reset}});
    }
    SECTION("cancelled") {
        tell(msg::CancelCommand{reset});
        const auto refused = answers<msg::CommandRefused>();
        REQUIRE(refused.size() == 1);
        CHECK(refused[0].error.code == ErrorCode::Cancelled);
    }
    monitor_up(100);
    CHECK(begun().empty());
}

TEST_CASE_METHOD(Adopted, "An order waits for no VM that has ended meanwhile", "[agent]") {
    const auto reset = order(Verb::Reset, 1);

    input(Exited{key(100), Ending{.by = EndedBy::Guest, .detail = {}, .at = now().wall}});

    const auto refused = answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].action == reset);
    CHECK(begun().empty());
}

TEST_CASE_METHOD(Adopted, "What needs no monitor does not wait for one", "[agent]") {
    const auto kill = order(Verb::Kill, 1);

    CHECK(begun() == std::vector{kill});
    CHECK(done<SignalProcess>().size() == 1);
}

TEST_CASE_METHOD(Adopted, "A bounded number of orders waits", "[agent]") {
    for (std::size_t i = 0; i < Patience::most; ++i) {
        order(Verb::Reset, 1);
    }
    CHECK(answers<msg::CommandRefused>().empty());
    order(Verb::Reset, 1);
    CHECK(answers<msg::CommandRefused>().size() == 1);
}

TEST_CASE_METHOD(Adopted, "What was refused is withdrawn while other events are told", "[agent]") {
    input(Exited{key(100), Ending{.by = EndedBy::Guest, .detail = {}, .at = now().wall}});
    REQUIRE_FALSE(core().is_drained());
    const auto reset = order(Verb::Reset, 1);
    REQUIRE(answers<msg::CommandRefused>().size() == 1);

    tell(msg::Withdraw{reset});
    CHECK(answers<msg::Withdrawn>() == std::vector{msg::Withdrawn{reset}});
    tell(msg::Withdraw{reset});
    CHECK(answers<msg::Withdrawn>().size() == 2);
}

TEST_CASE_METHOD(Adopted, "What has ended is told by its event, not as withdrawn", "[agent]") {
    const auto kill = order(Verb::Kill, 1);
    input(Exited{key(100), Ending{.by = EndedBy::Signal, .detail = {}, .at = now().wall}});
    REQUIRE_FALSE(core().is_drained());

    tell(msg::Withdraw{kill});

    CHECK(answers<msg::Withdrawn>().empty());
}
