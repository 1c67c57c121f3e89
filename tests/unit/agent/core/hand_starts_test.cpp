#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;
using ctys::testing::CoreFixture;
using Answer = msg::HandGrant::Answer;

namespace {

/// An agent that knows one configuration.
struct Known : CoreFixture {
    Known() {
        Event seen{.kind = EventKind::PathSeen};
        PathFacts facts;
        facts.vm.id = facts.path.vm = vm(1);
        facts.vm.label = "web";
        facts.path.config = config;
        seen.payload = facts;
        input(Scanned{{seen}});
    }

    void ask(bool on_shared = false) {
        input(HandStartAsked{.caller = 9,
                             .action = action,
                             .config = config,
                             .label = "web",
                             .user = "acue",
                             .on_shared = on_shared});
    }
    void grant() {
        tell(msg::HandGrant{.action = action, .answer = Answer::Granted, .token = 5, .reason = {}});
    }
    void appear() {
        InstanceRecord record{.key = key(200), .vm = vm(1), .label = "web"};
        record.state = VmState::Running;
        record.owner = Owner::ByHand;
        input(Appeared{record, false});
    }
    [[nodiscard]] Answer told() const {
        const auto all = done<AnswerCaller>();
        REQUIRE(all.size() == 1);
        CHECK(all[0].caller == 9);
        return all[0].grant.answer;
    }
    [[nodiscard]] std::size_t withdrawn() const { return answers<msg::Withdrawn>().size(); }
    [[nodiscard]] bool is_known(ActionId id) {
        forget_deeds();
        tell(msg::CommandQuery{id});
        const auto status = answers<msg::CommandStatus>();
        return status.size() == 1 && status[0].known == msg::CommandStatus::Known::Running;
    }

    const std::string config = "/p/web/web.ctys";
    const ActionId action{77};
    const TimerKey timer{.kind = TimerKind::HandStart, .instance = {}, .action = {77}};
};

} // namespace

TEST_CASE_METHOD(Known, "A start by hand has the lease of the broker", "[agent]") {
    ask();

    const auto asked = answers<msg::HandStart>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].vm == vm(1));
    CHECK(asked[0].user == "acue");
    CHECK(done<AnswerCaller>().empty());
    grant();
    CHECK(told() == Answer::Granted);
    CHECK(begun() == std::vector{action});

    appear();
    const auto& record = core().instances().all().at(key(200)).record;
    CHECK(record.started_by == action);
    CHECK(record.token == 5);
    CHECK_FALSE(is_known(action));
}

TEST_CASE_METHOD(Known, "A start by hand is told who holds the VM", "[agent]") {
    SECTION("elsewhere") {
        ask();
        tell(msg::HandGrant{.action = action,
                            .answer = Answer::Refused,
                            .token = 0,
                            .reason = "running on w2 (pid 7)"});
        CHECK(done<AnswerCaller>().at(0).grant.reason == "running on w2 (pid 7)");
    }
    SECTION("here") {
        appear();
        ask();
        CHECK(done<AnswerCaller>().at(0).grant.reason.find("pid 200") != std::string::npos);
        CHECK(answers<msg::HandStart>().empty());
    }
    CHECK(told() == Answer::Refused);
    CHECK(begun().empty());
}

TEST_CASE_METHOD(Known, "Without an answer of the broker only a local pool starts", "[agent]") {
    const bool on_shared = GENERATE(false, true);
    ask(on_shared);
    live(HandStarts::broker_patience);
    REQUIRE(fire(timer));

    CHECK(told() == (on_shared ? Answer::Refused : Answer::Alone));
    // The grant may be lost, and the broker asks how it went.
    CHECK(begun() == (on_shared ? std::vector<ActionId>{} : std::vector{action}));
    // The broker had it all the same: what nobody waits for is given back.
    grant();
    CHECK(withdrawn() == (on_shared ? 1 : 0));
}

TEST_CASE_METHOD(Known, "A broker that lost the agent is as good as none", "[agent]") {
    ask();
    input(FromBroker{
        Envelope{.correlation = action.value,
                 .body = msg::Failure{Error{.code = ErrorCode::Degraded, .message = "full"}}}});
    CHECK(told() == Answer::Alone);
}

TEST_CASE_METHOD(Known, "A configuration of no pool is none of the agent's", "[agent]") {
    input(HandStartAsked{
        .caller = 9, .action = action, .config = "/elsewhere.ctys", .label = "x", .user = "acue"});
    CHECK(told() == Answer::Unknown);
}

TEST_CASE_METHOD(Known, "A lease goes with the wrapper that never started QEMU", "[agent]") {
    ask();
    SECTION("gone before the grant") {
        input(CallerGone{9});
        grant();
        CHECK(withdrawn() == 1);
        CHECK(done<AnswerCaller>().empty());
    }
    SECTION("gone after it") {
        grant();
        input(CallerGone{9});
        CHECK(is_known(action)); // a QEMU without its parent may still be found
        live(HandStarts::last_look);
        REQUIRE(fire(timer));
        CHECK_FALSE(is_known(action));
    }
}

TEST_CASE_METHOD(Known, "While somebody starts it by hand, nobody else does", "[agent]") {
    ask();
    grant();
    forget_deeds();

    SECTION("by hand") {
        input(HandStartAsked{
            .caller = 10, .action = {78}, .config = config, .label = "web", .user = "acue"});
        CHECK(done<AnswerCaller>().at(0).grant.answer == Answer::Refused);
    }
    SECTION("by order") {
        order(Verb::Start, 1, {.token = 6, .config = config});
        const auto refused = answers<msg::CommandRefused>();
        REQUIRE(refused.size() == 1);
        CHECK(refused[0].error.code == ErrorCode::Conflict);
    }
}
