#include "tools/setup_vde/perform.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;

namespace {

/// Remembers what it was told, and fails or is interrupted where it is told to.
class RecordingPerformer final : public Performer {
public:
    std::vector<std::string> seen;
    std::vector<std::string> fails;
    std::string interrupted_after;

    Status perform(const Act& act) override {
        const auto& name = std::get<Run>(act).argv.front();
        seen.push_back(name);
        if (std::find(fails.begin(), fails.end(), name) != fails.end())
            return fail(ErrorCode::Failed, "no " + name);
        return {};
    }
    bool is_interrupted() const override {
        return std::find(seen.begin(), seen.end(), interrupted_after) != seen.end();
    }
};

Act act(const std::string& name) {
    return Run{.argv = {name}};
}

Plan three() {
    Plan plan;
    plan.steps = {
        {"do a", act("a"), act("not a")}, {"do b", act("b")}, {"do c", act("c"), act("not c")}};
    return plan;
}

using Seen = std::vector<std::string>;

} // namespace

TEST_CASE("steps are done in their order", "[vde]") {
    RecordingPerformer performer;
    CHECK(perform(three(), performer));
    CHECK(performer.seen == Seen{"a", "b", "c"});
}

TEST_CASE("a step that fails undoes those before it, the last first, and not itself", "[vde]") {
    RecordingPerformer performer;
    performer.fails = {"c"};

    const auto done = perform(three(), performer);

    REQUIRE_FALSE(done);
    CHECK(done.error().error.message == "cannot do c: no c");
    CHECK(done.error().left.empty());
    CHECK(performer.seen == Seen{"a", "b", "c", "not a"});
}

TEST_CASE("what cannot be undone is told, and the rest is undone all the same", "[vde]") {
    auto plan = three();
    plan.steps.push_back({"do d", act("d")});
    RecordingPerformer performer;
    performer.fails = {"d", "not c"};

    const auto done = perform(plan, performer);

    REQUIRE_FALSE(done);
    CHECK(performer.seen == Seen{"a", "b", "c", "d", "not c", "not a"});
    CHECK(done.error().left == Seen{"cannot undo \"do c\": no not c"});
}

TEST_CASE("an interruption undoes what was done, also after the last step", "[vde]") {
    const auto [after, seen] = GENERATE(table<std::string, Seen>({
        {"a", {"a", "not a"}},
        {"b", {"a", "b", "not a"}},
        {"c", {"a", "b", "c", "not c", "not a"}},
    }));
    RecordingPerformer performer;
    performer.interrupted_after = after;

    const auto done = perform(three(), performer);

    REQUIRE_FALSE(done);
    CHECK(done.error().error.code == ErrorCode::Interrupted);
    CHECK(performer.seen == seen);
}

TEST_CASE("a plan of nothing is done", "[vde]") {
    RecordingPerformer performer;
    CHECK(perform({}, performer));
    CHECK(performer.seen.empty());
}
