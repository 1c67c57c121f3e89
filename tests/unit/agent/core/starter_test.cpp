#include "agent/core/starter.h"
#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;

namespace {

/// An order to start a VM, whose wrapper runs.
struct OneStart : CoreFixture {
    explicit OneStart(std::vector<std::string> options = {}) {
        PathFacts facts;
        facts.vm.id = facts.path.vm = vm(1);
        facts.vm.label = "vm1";
        facts.path.config = "/p/vm1.ctys";
        facts.path.wrapper = "/p/vm1.sh";
        Event seen{.kind = EventKind::PathSeen};
        seen.payload = facts;
        input(Scanned{{seen}});
        Action wanted{.token = 5};
        wanted.config = "/p/vm1.ctys";
        wanted.options = std::move(options);
        action = order(Verb::Start, 1, std::move(wanted));
        REQUIRE(done<Launch>().size() == 1);
    }
    void wait(Duration span) {
        live(span);
        fire({.kind = TimerKind::Start, .instance = {}, .action = action});
    }
    void appear() {
        InstanceRecord record{.key = key(100),
                              .vm = vm(1),
                              .label = "vm1",
                              .managed = true,
                              .owner = Owner::Ctys,
                              .state = VmState::Starting};
        record.started_by = action;
        input(Appeared{std::move(record)});
    }
    /// The error that it ended with, as far as it has.
    [[nodiscard]] std::string failure() const {
        const auto ended = events(EventKind::ActionEnded);
        if (ended.empty()) return {};
        const auto outcome = std::get<ActionRecord>(ended.front().payload).outcome;
        return outcome && outcome->error ? outcome->error->message : "done";
    }

    ActionId action;
};

} // namespace

TEST_CASE("a start whose wrapper brings no QEMU is given up after 30 s", "[agent]") {
    OneStart start;

    start.wait(29s);
    CHECK(start.failure().empty());
    start.wait(1s);

    CHECK(start.failure() == "given up after 30s of waiting for QEMU to begin");
    CHECK(start.done<EndLaunch>().size() == 1);
}

TEST_CASE("a start that prepares the target of an installation has the time for it", "[agent]") {
    OneStart start{GENERATE(as<std::vector<std::string>>{},
                            std::vector<std::string>{"--instmode=CD%default%HDD%default%INIT"},
                            std::vector<std::string>{"--instmode"},
                            std::vector<std::string>{"--bootmode=CD", "--initmode"})};

    start.wait(14min);
    CHECK(start.failure().empty());
    CHECK(start.done<EndLaunch>().empty());

    SECTION("until its QEMU is there, which has to dial in as any other") {
        start.appear();
        start.wait(29s);
        CHECK(start.failure().empty());
        start.wait(1s);
        CHECK(start.failure() == "given up after 30s of waiting for QEMU to dial in");
    }
    SECTION("but not for ever") {
        start.wait(1min);
        CHECK(start.failure() == "given up after 15m00s of waiting for QEMU to begin");
        CHECK(start.done<EndLaunch>().size() == 1);
    }
}

TEST_CASE("a wrapper that cannot be read refuses its start", "[agent]") {
    OneStart start;

    start.input(LaunchEnded{.action = start.action,
                            .exit_code = 7,
                            .output = "cannot read the wrapper /p/vm1.sh as uid 7"});

    CHECK(start.failure() == "its wrapper refuses it with status 7: cannot read the wrapper "
                             "/p/vm1.sh as uid 7");
    const auto ended = start.events(EventKind::ActionEnded);
    REQUIRE(ended.size() == 1);
    const auto outcome = std::get<ActionRecord>(ended[0].payload).outcome;
    CHECK(outcome.value().error.value().code == ErrorCode::Refused);
}
