// The reverse of plans as they were, and of rows that nobody should have written.

#include "broker/core/plan_rise.h"
#include "broker/core/step_circles.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <set>

using namespace ctys;
using namespace ctys::broker;

namespace {

VmId machine(const std::string& label) {
    return {Uuid::from_name(ctys_namespace(), label)};
}

PlanStepRecord
ended(std::uint32_t index, const std::string& label, std::vector<std::uint32_t> after) {
    PlanStepRecord record{.index = index, .step = {}, .state = StepState::Done};
    record.step.vm = machine(label);
    record.step.label = label;
    record.step.after = std::move(after);
    return record;
}

/// Each step has its turn once all it waits for have had theirs.
bool has_an_order(const Plan& plan) {
    std::vector<bool> done(plan.steps.size());
    for (std::size_t round = 0; round < plan.steps.size(); ++round) {
        for (std::size_t i = 0; i < plan.steps.size(); ++i) {
            const auto& after = plan.steps[i].after;
            done[i] = std::all_of(after.begin(), after.end(), [&](const auto before) {
                return before < done.size() && done[before];
            });
        }
    }
    return std::all_of(done.begin(), done.end(), [](bool is_done) { return is_done; });
}

/// What load() lets through of a plan that is over: indices fit, and no step waits for itself.
std::vector<PlanStepRecord> any_journal(std::mt19937& random) {
    const auto up_to = [&](std::uint32_t most) {
        return std::uniform_int_distribution<std::uint32_t>{0, most}(random);
    };
    constexpr std::array verbs = {Verb::Shutdown,
                                  Verb::Shutdown,
                                  Verb::Kill,
                                  Verb::Pause,
                                  Verb::Suspend,
                                  Verb::Start,
                                  Verb::Reboot,
                                  Verb::Init};
    std::vector<PlanStepRecord> steps;
    const auto count = up_to(12);
    const auto vms = up_to(6);
    for (std::uint32_t i = 0; i < count; ++i) {
        std::vector<std::uint32_t> after;
        for (auto waits = up_to(4); waits > 0; --waits) {
            if (const auto before = up_to(count - 1); before != i) after.push_back(before);
        }
        auto step = ended(i, fmt::format("vm{}", up_to(vms)), std::move(after));
        step.step.verb = verbs.at(up_to(verbs.size() - 1));
        step.step.level = up_to(3);
        if (up_to(5) == 0) step.state = StepState::Failed;
        steps.push_back(std::move(step));
    }
    return steps;
}

} // namespace

TEST_CASE("a VM that was ended outside of another, and before that inside of it, waits for one of "
          "both",
          "[stack]") {
    const auto plan = reverse_of({.verb = Verb::Shutdown},
                                 {ended(0, "a", {}),
                                  ended(1, "b", {0}), // carried a
                                  ended(2, "b", {}),
                                  ended(3, "a", {2})}); // carried b later
    REQUIRE(plan.steps.size() == 2);
    CHECK(has_an_order(plan));
    CHECK(plan.steps[0].after.size() + plan.steps[1].after.size() == 1);
    REQUIRE(plan.notes.size() == 1);
    CHECK(plan.notes[0].find(", which waits for it") != std::string::npos);
}

TEST_CASE("the reverse of any rows has an order, and starts each VM once", "[stack]") {
    constexpr std::array verbs = {Verb::Shutdown, Verb::Suspend, Verb::Kill, Verb::Reboot};
    std::mt19937 random{20261201};
    std::size_t with_circles = 0;
    for (int i = 0; i < 5000; ++i) {
        const auto steps = any_journal(random);
        const auto verb = verbs.at(static_cast<std::size_t>(i) % verbs.size());
        const auto target = i % 3 == 0 ? machine("vm0") : VmId{};
        const auto plan = reverse_of({.verb = verb}, steps, target);
        std::set<VmId> vms;
        for (const auto& step : plan.steps) {
            vms.insert(step.vm);
        }
        INFO("journal " << i);
        REQUIRE(vms.size() == plan.steps.size());
        REQUIRE(has_an_order(plan));
        if (!plan.notes.empty()) ++with_circles;
    }
    CHECK(with_circles > 100); // the rows are as bad as they should be
}

TEST_CASE("what closes a circle is found, also in a chain of many steps", "[stack]") {
    using Waits = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
    CHECK(closing_waits({}).empty());
    CHECK(closing_waits({{1, 2}, {2}, {}, {0, 7}}).empty());
    CHECK(closing_waits({{1}, {2}, {0}}) == Waits{{2, 0}});
    CHECK(closing_waits({{0}}) == Waits{{0, 0}});
    std::vector<std::vector<std::uint32_t>> chain;
    for (std::uint32_t i = 1; i < 200'000; ++i) {
        chain.push_back({i});
    }
    chain.push_back({0});
    CHECK(closing_waits(chain) == Waits{{199'999, 0}});
}
