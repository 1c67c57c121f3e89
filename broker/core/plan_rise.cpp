#include "broker/core/plan_rise.h"

#include "broker/core/step_circles.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace ctys::broker {

namespace {

/// By the index of a step the one that carries it; where several wait for it, the one outside.
std::vector<std::optional<std::uint32_t>> carriers_of(const std::vector<PlanStep>& steps) {
    std::vector<std::optional<std::uint32_t>> carriers(steps.size());
    for (std::uint32_t outer = 0; outer < steps.size(); ++outer) {
        for (const auto inner : steps[outer].after) {
            if (steps[inner].level == steps[outer].level + 1) carriers[inner] = outer;
        }
    }
    return carriers;
}

PlanStep start_of(const PlanStep& ended, Duration begin, std::uint32_t depth) {
    PlanStep step{.vm = ended.vm,
                  .label = ended.label,
                  .worker = ended.worker,
                  .worker_name = ended.worker_name,
                  .verb = Verb::Start,
                  .level = ended.level};
    step.begin = begin;
    step.until = begin + start_patience * static_cast<Duration::rep>(depth);
    step.owner = ended.owner;
    step.inside = ended.inside;
    return step;
}

bool can_start(const InventoryView& inventory, const PlanStep& step) {
    const auto paths = inventory.paths(step.vm);
    return std::any_of(paths.begin(), paths.end(), [&](const PathRecord& path) {
        return path.worker == step.worker && path.runnable;
    });
}

/// The step of the target and all it waits for; every step where there is no target.
std::set<std::uint32_t> steps_of(const std::vector<PlanStepRecord>& steps, const VmId& target) {
    std::set<std::uint32_t> meant;
    std::vector<std::uint32_t> open;
    for (const auto& each : steps) {
        if (target.is_none() || each.step.vm == target) open.push_back(each.index);
    }
    while (!open.empty()) {
        const auto index = open.back();
        open.pop_back();
        if (!meant.insert(index).second) continue;
        for (const auto before : steps[index].step.after) {
            if (steps[before].step.level > steps[index].step.level) open.push_back(before);
        }
    }
    return meant;
}

/// What was ended twice may have been outside of a VM once, and inside of it before: who waits for
/// the other then, nobody can tell.
void break_circles(Plan& plan) {
    std::vector<std::vector<std::uint32_t>> after;
    after.reserve(plan.steps.size());
    for (const auto& step : plan.steps) {
        after.push_back(step.after);
    }
    for (const auto& [step, before] : closing_waits(after)) {
        std::erase(plan.steps[step].after, before);
        plan.notes.push_back(fmt::format("{} does not wait for {}, which waits for it",
                                         plan.steps[step].label,
                                         plan.steps[before].label));
    }
}

} // namespace

void add_restoring(Plan& plan, const InventoryView& inventory, const Roster& roster) {
    const auto steps = plan.steps;
    const auto carriers = carriers_of(steps);
    std::map<std::uint32_t, std::uint32_t> starts; // by the step that ends it
    for (auto i = static_cast<std::uint32_t>(steps.size()); i-- > 0;) {
        const auto& ended = steps[i];
        if (!is_ending(ended.verb) || !carriers[i]) continue;
        const auto& carrier = steps[*carriers[i]];
        const bool comes_up = is_rebooting(carrier.verb) || carrier.verb == Verb::Init;
        if (!comes_up && !starts.contains(*carriers[i])) continue; // that was told already
        if (!can_start(inventory, ended)) {
            plan.notes.push_back(
                fmt::format("{} is not started again: it has no configuration on {}",
                            ended.label,
                            ended.worker_name));
            continue;
        }
        auto step = start_of(ended, plan.until, ended.level);
        if (const auto* member = roster.find(ended.worker)) step.boot = member->record.boot;
        step.after = {comes_up ? *carriers[i] : starts.at(*carriers[i])};
        starts[i] = static_cast<std::uint32_t>(plan.steps.size());
        plan.steps.push_back(std::move(step));
    }
    for (const auto& [before, start] : starts) {
        for (const auto sibling : steps[before].after) {
            const bool is_beside = steps[sibling].level == steps[before].level;
            if (is_beside && starts.contains(sibling))
                plan.steps[starts.at(sibling)].after.push_back(start);
        }
    }
}

Plan reverse_of(const PlanRecord& record,
                const std::vector<PlanStepRecord>& steps,
                const VmId& target) {
    Plan plan;
    plan.width = record.width;
    plan.levels = record.levels;
    const auto meant = steps_of(steps, target);
    std::map<std::uint32_t, std::uint32_t> now; // by the index of then
    std::map<VmId, std::uint32_t> starts;       // what was ended twice is started once
    for (auto it = steps.rbegin(); it != steps.rend(); ++it) {
        const auto& old = it->step;
        const bool suspends = record.verb == Verb::Suspend;
        const bool comes_back = is_ending(old.verb) || (suspends && !is_outer_first(old.verb));
        if (it->state != StepState::Done || !comes_back || !meant.contains(it->index)) continue;
        const auto next = static_cast<std::uint32_t>(plan.steps.size());
        const auto [start, is_first] = starts.try_emplace(old.vm, next);
        now[it->index] = start->second;
        if (!is_first) continue;
        auto step = start_of(old, {}, old.level + 1);
        if (old.verb == Verb::Pause) step.verb = Verb::Resume;
        plan.until = std::max(plan.until, step.until);
        plan.steps.push_back(std::move(step));
    }
    for (const auto& old : steps) {
        if (!now.contains(old.index)) continue;
        for (const auto inner : old.step.after) {
            if (!now.contains(inner)) continue;
            auto& after = plan.steps[now.at(inner)].after;
            const auto before = now.at(old.index);
            if (before != now.at(inner) &&
                std::find(after.begin(), after.end(), before) == after.end())
                after.push_back(before);
        }
    }
    break_circles(plan);
    plan.needed = plan.until;
    return plan;
}

} // namespace ctys::broker
