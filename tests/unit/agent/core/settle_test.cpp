// What an agent says of the orders that a former life of it had begun.

#include "tests/unit/agent/core/core_fixture.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using ctys::testing::CoreFixture;

namespace {

constexpr std::uint32_t settled_pid = 100;

/// The next life of an agent that had begun one order for a VM.
struct Later : CoreFixture {
    explicit Later(Verb verb, VmState state = VmState::Running, bool ended = false)
        : CoreFixture(left(verb), {}, {}, {}, [=](const auto& input) {
              InstanceRecord record{.key = key(settled_pid),
                                    .vm = vm(1),
                                    .label = "web",
                                    .managed = true,
                                    .owner = Owner::Ctys,
                                    .state = state};
              record.since = record.started = WallTime{1};
              if (ended) {
                  input(EndedWhileAway{record,
                                       Ending{.by = EndedBy::Guest, .detail = {}, .at = {2}}});
              } else {
                  input(Appeared{record, /*adopted=*/true});
              }
          }) {}

    static Recovered left(Verb verb) {
        Recovered recovered;
        recovered.intents.push_back(
            {.action = {77}, .verb = verb, .instance = key(settled_pid), .vm = vm(1), .at = {1}});
        return recovered;
    }
    [[nodiscard]] Outcome outcome() const {
        const auto ended = events(EventKind::ActionEnded);
        REQUIRE(ended.size() == 1);
        return std::get<ActionRecord>(ended[0].payload).outcome.value();
    }
};

} // namespace

TEST_CASE("an interrupted order that harms nothing twice may be given again", "[agent]") {
    const auto verb =
        GENERATE(Verb::Shutdown, Verb::Kill, Verb::Pause, Verb::Resume, Verb::Suspend);
    INFO(to_string(verb));
    const Later later(verb, verb == Verb::Resume ? VmState::Paused : VmState::Running);
    REQUIRE(later.outcome().error.has_value());
    CHECK(later.outcome().error->code == ErrorCode::Unreachable);
    CHECK(later.outcome().error->message.find("its agent was restarted") == 0);
    CHECK(later.outcome().error->try_next == fmt::format("ctys {} web", to_string(verb)));
    CHECK(later.begun().empty());
}

TEST_CASE("an interrupted reset, reboot or run level of a guest may have happened", "[agent]") {
    const auto verb = GENERATE(Verb::Reset, Verb::Reboot, Verb::Init);
    const Later later(verb);
    REQUIRE(later.outcome().error.has_value());
    CHECK(later.outcome().error->code == ErrorCode::Indeterminate);
    CHECK(later.begun().empty());
}

TEST_CASE("an order to end is done where its VM has ended meanwhile", "[agent]") {
    const auto verb = GENERATE(Verb::Shutdown, Verb::Kill);
    const Later later(verb, VmState::Running, /*ended=*/true);
    CHECK(later.outcome().ok());
    CHECK(later.outcome().text == "gone while the agent was away");
}

TEST_CASE("a VM that has ended meanwhile can be neither paused nor resumed", "[agent]") {
    const auto verb = GENERATE(Verb::Pause, Verb::Resume);
    const Later later(verb, VmState::Running, /*ended=*/true);
    REQUIRE(later.outcome().error.has_value());
    CHECK(later.outcome().error->code == ErrorCode::Failed);
    CHECK(later.outcome().error->message == "the VM ended while its agent was away");
}
