#include "broker/core/plan_run.h"

#include "broker/core/fold.h"
#include "broker/core/planner.h"
#include "broker/core/stack_around.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace ctys::broker {

namespace {

constexpr Duration kill_time = std::chrono::seconds{10};
/// From the cut of a VM at the end of its share until the news that it has ended is recorded.
constexpr Duration news_time = std::chrono::seconds{1};

} // namespace

PlanRun::PlanRun(Action asked, PlanRecord plan, std::vector<PlanStepRecord> steps, Instant now)
    : asked_(std::move(asked)), plan_(std::move(plan)), steps_(std::move(steps)),
      began_(now - plan_.spent), saved_(now) {
    link(0);
    for (const auto& step : steps_) {
        dirty_.insert(step.index);
    }
}

void PlanRun::link(std::size_t from) {
    waited_by_.resize(steps_.size());
    pending_.resize(steps_.size());
    for (auto i = from; i < steps_.size(); ++i) {
        const auto& each = steps_[i];
        if (!each.step.vm.is_none()) by_vm_[each.step.vm].push_back(each.index);
        if (!each.action.is_none()) by_order_[each.action] = each.index;
        for (const auto before : each.step.after) {
            waited_by_[before].push_back(each.index);
            if (!is_over(steps_[before].state)) ++pending_[i];
        }
    }
    const auto rises = [](const auto& each) { return is_outer_first(each.step.verb); };
    restores_ = std::any_of(steps_.begin(), steps_.end(), rises) &&
                !std::all_of(steps_.begin(), steps_.end(), rises);
    for (auto i = from; i < steps_.size(); ++i) {
        const auto& each = steps_[i];
        if (is_over(each.state)) ++over_;
        if (each.state == StepState::Asked) ++asked_in_[group_of(each.index)];
        if (each.state == StepState::Waiting && pending_[i] == 0) add_ready(each.index);
    }
}

/// The step of what carries it, beside which siblings may stand.
std::optional<std::uint32_t> PlanRun::carrier_of(std::uint32_t index) const {
    const auto& step = steps_[index].step;
    const auto& around = is_outer_first(step.verb) ? step.after : waited_by_[index];
    const auto found = std::find_if(around.begin(), around.end(), [&](const auto other) {
        return steps_[other].step.level + 1 == step.level;
    });
    return found == around.end() ? std::nullopt : std::optional{*found};
}

std::int64_t PlanRun::group_of(std::uint32_t index) const {
    if (const auto carrier = carrier_of(index)) return *carrier;
    return is_outer_first(steps_[index].step.verb) ? std::int64_t{-1}
                                                   : std::numeric_limits<std::int64_t>::max();
}

std::set<WorkerId> PlanRun::drains() const {
    std::set<WorkerId> workers;
    for (const auto& each : steps_) {
        if (is_outer_first(each.step.verb) || (restores_ && is_over(each.state))) continue;
        workers.insert(each.step.inside.begin(), each.step.inside.end());
    }
    return workers;
}

void PlanRun::store(Turn& turn) {
    plan_.spent = elapsed(turn);
    saved_ = turn.now().instant;
    turn.put(plan_);
    for (const auto& step : steps_) {
        turn.put(step);
    }
}

PlanRecord PlanRun::plan_at(Instant now) const {
    auto plan = plan_;
    plan.spent = std::max(Duration{}, now - began_);
    return plan;
}

void PlanRun::close(Turn& turn) {
    plan_.spent = elapsed(turn);
    turn.put(plan_);
}

void PlanRun::on_vm_ended(const VmId& vm) {
    if (const auto found = by_vm_.find(vm); found != by_vm_.end())
        dirty_.insert(found->second.begin(), found->second.end());
}

void PlanRun::on_inside(Turn& turn, const VmId& vm, const std::vector<WorkerId>& workers) {
    const auto found = by_vm_.find(vm);
    if (found == by_vm_.end()) return;
    for (const auto index : found->second) {
        auto& step = steps_[index];
        // Where a boot is awaited, who calls from the next one is no news of the last.
        if (is_outer_first(step.step.verb) || is_over(step.state) || !step.step.boot.is_none())
            continue;
        auto& inside = step.step.inside;
        const auto before = inside.size();
        std::copy_if(
            workers.begin(), workers.end(), std::back_inserter(inside), [&](const auto& id) {
                return std::find(inside.begin(), inside.end(), id) == inside.end();
            });
        if (inside.size() == before) continue;
        drains_changed_ = true;
        turn.put(step);
    }
}

void PlanRun::on_order_ended(ActionId order) {
    if (const auto found = by_order_.find(order); found != by_order_.end())
        dirty_.insert(found->second);
}

void PlanRun::on_tick(Turn& turn) {
    is_tick_ = true;
    if (turn.now().instant - saved_ < save_every) return;
    saved_ = turn.now().instant;
    plan_.spent = elapsed(turn);
    turn.put(plan_);
}

PlanOrders PlanRun::advance(Turn& turn, const PlanView& view) {
    PlanOrders orders;
    if (is_cancelling_ && !std::exchange(is_cancelled_, true)) cancel_steps(turn, orders);
    const bool is_tick = std::exchange(is_tick_, false);
    if (is_tick) look_again(turn, view);
    while (!dirty_.empty()) {
        const auto index = *dirty_.begin();
        dirty_.erase(dirty_.begin());
        examine(turn, view, index);
    }
    // A start may make others wait, and what cannot start may let others.
    while (!stirred_.empty()) {
        const auto group = *stirred_.begin();
        stirred_.erase(stirred_.begin());
        try_group(turn, view, group, is_tick, orders);
    }
    if (over_ == steps_.size() && dirty_.empty()) orders.end = outcome(turn, view);
    return orders;
}

/// Time passes, and workers come and go.
void PlanRun::look_again(const Turn& turn, const PlanView& view) {
    for (const auto& each : steps_) {
        if (is_over(each.state)) continue;
        // What became of a machine is seen by its silence, or by its next boot.
        const bool is_of_machine = is_rebooting(each.step.verb) || each.step.verb == Verb::Init;
        const bool is_awaited = each.state == StepState::Asked && follows_start(each.step);
        if (is_of_machine || is_awaited || is_out_of_reach(view, each.step))
            dirty_.insert(each.index);
        // What it waits for has used up its share; or it is to be asked once more.
        if (each.state == StepState::Waiting &&
            (pending_[each.index] == 0 || is_due(turn, each.step)))
            add_ready(each.index);
    }
}

/// `all`: also those that no place is free for; time may have made them due.
void PlanRun::try_group(
    Turn& turn, const PlanView& view, std::int64_t group, bool all, PlanOrders& orders) {
    // Each start changes the set: the next one is looked for anew.
    for (std::int64_t last = -1;;) {
        const auto found = ready_.find(group);
        if (found == ready_.end()) return;
        const auto next = last < 0 ? found->second.begin()
                                   : found->second.upper_bound(static_cast<std::uint32_t>(last));
        if (next == found->second.end()) return;
        const auto index = *next;
        if (!all && asked_in_[group] >= plan_.width) return;
        try_start(turn, view, index, orders);
        last = index;
    }
}

bool PlanRun::meets(const PlanStep& step) const {
    if (!step.vm.is_none()) return has_step(step.vm);
    return std::any_of(steps_.begin(), steps_.end(), [&](const PlanStepRecord& each) {
        return each.step.vm.is_none() && each.step.worker == step.worker;
    });
}

bool PlanRun::has_open_step(const VmId& vm) const {
    const auto found = by_vm_.find(vm);
    return found != by_vm_.end() &&
           std::any_of(found->second.begin(), found->second.end(), [&](const auto index) {
               return !is_over(steps_[index].state);
           });
}

void PlanRun::add_ready(std::uint32_t index) {
    const auto group = group_of(index);
    ready_[group].insert(index);
    stirred_.insert(group);
}

void PlanRun::remove_ready(std::uint32_t index) {
    const auto found = ready_.find(group_of(index));
    if (found == ready_.end() || found->second.erase(index) == 0) return;
    if (found->second.empty()) ready_.erase(found);
}

bool PlanRun::is_due(const Turn& turn, const PlanStep& step) const {
    if (!plan_.limited || is_outer_first(step.verb)) return false;
    // "At once, innermost first": inner ones have as long as a process takes to die.
    const auto inner_levels =
        static_cast<Duration::rep>(plan_.levels - std::min(plan_.levels, step.level + 1));
    if (plan_.until == Duration{}) return elapsed(turn) >= kill_time * inner_levels;
    const bool awaits_cut = std::any_of(step.after.begin(), step.after.end(), [&](const auto each) {
        return steps_[each].state == StepState::Asked && steps_[each].step.cuts;
    });
    const auto patience = std::min(news_time, (step.until - step.begin) / 4);
    return elapsed(turn) >= step.begin + (awaits_cut ? patience : Duration{});
}

namespace {

std::vector<VmId> running_on(const PlanView& view, const std::vector<WorkerId>& workers) {
    std::vector<VmId> found;
    for (const auto& worker : workers) {
        for (const auto& vm : view.index.live_vms_of(worker)) {
            const auto rows = view.inventory.instances(vm);
            if (std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
                    return row.worker == worker && is_live(row.state);
                }))
                found.push_back(vm);
        }
    }
    return found;
}

} // namespace

bool PlanRun::add_newcomers(Turn& turn, const PlanView& view, std::uint32_t index) {
    const auto& carrier = steps_[index].step;
    if (carrier.inside.empty() || is_outer_first(carrier.verb) || is_cancelling_) return false;
    if (++looks_[index] > most_looks) return false;
    PlanRequest request{.verb = inner_verb(asked_.verb), .scope = Scope::Stack, .targets = {}};
    const auto is_ended = [&](const VmId& vm) {
        const auto known = by_vm_.find(vm);
        // What was out of reach may have come back, with a VM that goes on.
        return known == by_vm_.end() ||
               std::all_of(known->second.begin(), known->second.end(), [&](const auto each) {
                   return steps_[each].state == StepState::Done ||
                          steps_[each].state == StepState::Unreached ||
                          is_outer_first(steps_[each].step.verb);
               });
    };
    // A machine that is no VM is known by its workers.
    const bool is_vm = !carrier.vm.is_none();
    const auto roots = is_vm ? std::vector{carrier.vm} : running_on(view, carrier.inside);
    const auto graph = stack_around(view.inventory, view.index, view.roster, roots);
    for (const auto& vm : is_vm ? graph.carried_by(carrier.vm) : roots) {
        const auto* known = graph.find_vm(vm);
        const bool is_paused =
            request.verb == Verb::Pause && known != nullptr && stands(known->state);
        if (is_ended(vm) && !is_paused) request.targets.push_back(vm);
    }
    if (request.targets.empty()) return false;
    if (plan_.limited) request.deadline = std::max(Duration{}, carrier.begin - elapsed(turn));
    request.shrink = true;
    request.cut_unaskable = asked_.cut_unaskable;
    request.width = plan_.width;
    request.never_cuts = asked_.run_level.has_value();
    request.skip_unreached = true;
    const auto plan = make_plan(graph, request, {});
    if (!plan) return false; // none of them can be reached: their own agent ends them
    if (steps_.size() + plan->steps.size() > most_steps) return false;
    append(turn, *plan, index);
    return true;
}

void PlanRun::append(Turn& turn, const Plan& plan, std::uint32_t outer) {
    const auto base = static_cast<std::uint32_t>(steps_.size());
    const auto now = elapsed(turn);
    std::vector<std::uint32_t> roots;
    for (const auto& planned : plan.steps) {
        PlanStepRecord step{.plan = plan_.action,
                            .index = static_cast<std::uint32_t>(steps_.size()),
                            .step = planned};
        step.step.begin += now;
        step.step.until += now;
        for (auto& before : step.step.after) {
            before += base;
        }
        const bool is_root = planned.level == 0;
        step.step.level += steps_[outer].step.level + 1;
        if (is_root) roots.push_back(step.index);
        steps_.push_back(std::move(step));
    }
    waited_by_.resize(steps_.size());
    for (const auto root : roots) {
        waited_by_[root].push_back(outer); // before they are ready: it says whose siblings they are
    }
    auto& after = steps_[outer].step.after;
    after.insert(after.end(), roots.begin(), roots.end());
    pending_[outer] += roots.size();
    remove_ready(outer);
    link(base);
    plan_.steps = static_cast<std::uint32_t>(steps_.size());
    plan_.notes.push_back(fmt::format("{} newcomers inside {} after {}",
                                      plan.steps.size(),
                                      steps_[outer].step.label,
                                      to_short_text(now)));
    plan_.spent = now;
    saved_ = turn.now().instant;
    turn.put(plan_);
    turn.put(steps_[outer]);
    for (auto i = base; i < steps_.size(); ++i) {
        turn.put(steps_[i]);
    }
}

void PlanRun::set(Turn& turn, PlanStepRecord& step, StepState state, std::string text) {
    const auto index = step.index;
    if (step.state == StepState::Asked) {
        --asked_in_[group_of(index)];
        stirred_.insert(group_of(index)); // its place is free
    }
    if (state == StepState::Asked) ++asked_in_[group_of(index)];
    const bool was_over = is_over(step.state);
    step.state = state;
    step.text = std::move(text);
    remove_ready(index);
    if (is_over(state)) step.over = elapsed(turn);
    if (is_over(state) && !was_over) {
        ++over_;
        drains_changed_ = drains_changed_ || (restores_ && !step.step.inside.empty());
        for (const auto outer : waited_by_[index]) {
            if (--pending_[outer] == 0 && steps_[outer].state == StepState::Waiting)
                add_ready(outer);
        }
    }
    turn.put(step);
    Event event{.kind = EventKind::ActionProgress};
    event.action = plan_.action;
    event.vm = step.step.vm;
    event.label = step.step.label;
    event.worker = step.step.worker;
    event.worker_name = step.step.worker_name;
    event.by = asked_.principal.name;
    event.text = fmt::format("{}: {}", step.step.label, step.text);
    event.data = {{"step", std::to_string(index)},
                  {"of", std::to_string(steps_.size())},
                  {"state", std::string{to_string(state)}},
                  {"over", std::to_string(over_)}};
    turn.record(std::move(event));
}

void PlanRun::cancel_steps(Turn& turn, PlanOrders& orders) {
    for (auto& step : steps_) {
        if (step.state == StepState::Waiting) set(turn, step, StepState::Skipped, "cancelled");
        if (step.state == StepState::Asked) orders.cancel.push_back(step.action);
    }
}

} // namespace ctys::broker
