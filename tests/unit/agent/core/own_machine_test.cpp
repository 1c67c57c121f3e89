#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using ctys::testing::CoreFixture;

namespace {

Action level(std::uint8_t number) {
    Action action;
    action.run_level = number;
    return action;
}

std::optional<Outcome> outcome_of(const CoreFixture& agent, ActionId id) {
    for (const auto& event : agent.events(EventKind::ActionEnded)) {
        const auto* record = std::get_if<ActionRecord>(&event.payload);
        if (event.action == id && record != nullptr) return record->outcome;
    }
    return std::nullopt;
}

} // namespace

TEST_CASE("the machine goes down by a command, and the order is done when that returns",
          "[agent]") {
    CoreFixture agent;
    const auto id = agent.order(Verb::Init, 1, level(0));
    const auto asked = agent.done<ChangeRunLevel>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].action == id);
    CHECK(asked[0].level == 0);
    CHECK_FALSE(outcome_of(agent, id).has_value());

    agent.input(RunLevelEnded{.action = id, .exit_code = 0, .output = {}});
    REQUIRE(outcome_of(agent, id).has_value());
    CHECK(outcome_of(agent, id)->text == "its power-off is under way");
}

TEST_CASE("a command for a run level that fails says why", "[agent]") {
    CoreFixture agent;
    const auto id = agent.order(Verb::Init, 1, level(3));
    agent.input(RunLevelEnded{.action = id, .exit_code = 1, .output = "no such level"});
    REQUIRE(outcome_of(agent, id).has_value());
    REQUIRE(outcome_of(agent, id)->error.has_value());
    CHECK(outcome_of(agent, id)->error->message ==
          "the command for run level 3 ended with 1: no such level");
}

TEST_CASE("an agent that may not end its machine refuses in words", "[agent]") {
    CoreFixture agent({}, {}, {}, "its agent runs as user 1000");
    agent.order(Verb::Init, 1, level(0));
    const auto refused = agent.answers<msg::CommandRefused>();
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].error.code == ErrorCode::Refused);
    CHECK(refused[0].error.message == "w1: its agent runs as user 1000");
    CHECK(agent.done<ChangeRunLevel>().empty());
}

TEST_CASE("one change of the run level at a time", "[agent]") {
    CoreFixture agent;
    const auto first = agent.order(Verb::Init, 1, level(0));
    agent.order(Verb::Init, 1, level(6));
    CHECK(agent.done<ChangeRunLevel>().size() == 1);
    CHECK(agent.answers<msg::CommandRefused>().size() == 1);
    agent.input(RunLevelEnded{.action = first, .exit_code = 1, .output = {}});
    agent.order(Verb::Init, 1, level(6));
    CHECK(agent.done<ChangeRunLevel>().size() == 2);
}

TEST_CASE("after a restart the next boot tells whether the machine went down", "[agent]") {
    const BootId before{Uuid::from_name(ctys_namespace(), "before")};
    Recovered recovered;
    recovered.intents = {Intent{.action = {5}, .verb = Verb::Init}};
    recovered.memory.boot = before; // the worker of the fixture is in another one
    const CoreFixture agent(std::move(recovered));
    REQUIRE(outcome_of(agent, {5}).has_value());
    CHECK(outcome_of(agent, {5})->text == "its machine has booted anew since");

    Recovered same;
    same.intents = {Intent{.action = {5}, .verb = Verb::Init}};
    const CoreFixture again(std::move(same));
    REQUIRE(outcome_of(again, {5}).has_value());
    REQUIRE(outcome_of(again, {5})->error.has_value());
    CHECK(outcome_of(again, {5})->error->code == ErrorCode::Indeterminate);
}
