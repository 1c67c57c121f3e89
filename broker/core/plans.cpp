#include "broker/core/plans.h"

#include "broker/core/stack_around.h"
#include "broker/core/step_circles.h"
#include "mesh/core/order_check.h"
#include "mesh/qemu/saved_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ctys::broker {

namespace {

PlanRecord record_of(const Action& action, const Plan& plan) {
    return {.action = action.dry_run ? ActionId{} : action.id,
            .verb = action.verb,
            .target = action.target,
            .steps = static_cast<std::uint32_t>(plan.steps.size()),
            .needed = plan.needed,
            .until = plan.until,
            .levels = plan.levels,
            .width = plan.width,
            .limited = plan.limited,
            .critical = plan.critical,
            .notes = plan.notes,
            .spent = {}};
}

std::vector<PlanStepRecord> steps_of(ActionId action, const Plan& plan) {
    std::vector<PlanStepRecord> steps;
    steps.reserve(plan.steps.size());
    for (const auto& step : plan.steps) {
        steps.push_back(
            {.plan = action, .index = static_cast<std::uint32_t>(steps.size()), .step = step});
    }
    return steps;
}

} // namespace

std::vector<Row> rows_of(const Action& action, const Plan& plan) {
    std::vector<Row> rows;
    rows.reserve(plan.steps.size() + 1);
    const auto record = record_of(action, plan);
    rows.emplace_back(record);
    for (auto& step : steps_of(record.action, plan)) {
        rows.emplace_back(std::move(step));
    }
    return rows;
}

std::vector<ActionId> Plans::load(std::vector<PlanRecord> plans,
                                  std::vector<PlanStepRecord> steps,
                                  const std::function<const ActionRecord*(ActionId)>& find_action,
                                  Instant now) {
    std::map<ActionId, std::vector<PlanStepRecord>> of;
    for (auto& step : steps) {
        of[step.plan].push_back(std::move(step));
    }
    std::vector<ActionId> broken;
    std::vector<std::pair<WallTime, Ended>> over;
    for (auto& plan : plans) {
        const auto id = plan.action;
        auto its = std::move(of[id]);
        of.erase(id);
        const auto* action = find_action(id);
        if (action == nullptr) {
            orphans_.insert(id);
            continue;
        }
        bool is_whole = its.size() == plan.steps;
        std::vector<std::vector<std::uint32_t>> waits;
        for (std::size_t i = 0; is_whole && i < its.size(); ++i) {
            const auto& after = its[i].step.after;
            is_whole = its[i].index == i && std::all_of(after.begin(), after.end(), [&](auto each) {
                           return each < its.size() && each != i;
                       });
            waits.push_back(after);
        }
        if (action->state == ActionState::Ended && !is_whole) {
            orphans_.insert(id);
        } else if (action->state == ActionState::Ended) {
            over.emplace_back(action->ended, Ended{std::move(plan), std::move(its)});
        } else if (is_whole && closing_waits(waits).empty()) { // else they wait for ever
            auto& run =
                open_.emplace(id, PlanRun(action->action, std::move(plan), std::move(its), now))
                    .first->second;
            if (action->cancelling) run.cancel();
            moved_.insert(id);
        } else {
            broken.push_back(id);
        }
    }
    for (const auto& [id, rows] : of) {
        orphans_.insert(id);
    }
    std::sort(over.begin(), over.end(), [](const auto& a, const auto& b) {
        return std::tie(a.first, a.second.plan.action) < std::tie(b.first, b.second.plan.action);
    });
    for (auto& [ended, plan] : over) {
        ended_steps_ += plan.steps.size();
        ended_.push_back(std::move(plan));
    }
    drain(nullptr);
    return broken;
}

namespace {

constexpr std::size_t most_told = 8; // of what people read

/// What becomes of those that hear no power button (ADR 0010).
void note_paused(Plan& plan, const StackGraph& graph) {
    std::vector<std::string> labels;
    for (const auto& step : plan.steps) {
        const auto* vm = graph.find_vm(step.vm);
        const bool asks = step.verb == Verb::Shutdown || step.verb == Verb::Reboot;
        if (asks && vm != nullptr && vm->state == VmState::Paused) labels.push_back(vm->label);
    }
    if (labels.empty()) return;
    const auto more = labels.size() - std::min(labels.size(), most_told);
    labels.resize(labels.size() - more);
    plan.notes.push_back(fmt::format("paused: {}{}; what can go on is resumed before it is asked",
                                     fmt::join(labels, ", "),
                                     more == 0 ? "" : fmt::format(" and {} more", more)));
}

/// Orders of which it is known by now that they will be refused; who cannot be asked to end refuses
/// the whole plan, see check_askable().
void note_refused(Plan& plan, const InventoryView& inventory, const Action& asked) {
    std::size_t count = 0;
    for (const auto& step : plan.steps) {
        if (step.verb == Verb::Shutdown || is_outer_first(step.verb)) continue;
        auto order = asked;
        order.verb = step.verb;
        order.plan = asked.id;
        const auto refused = check_one(order, inventory, step.vm, step.worker);
        if (refused || (step.verb == Verb::Reboot && !step.can_ask)) continue;
        if (++count > most_told) continue;
        plan.notes.push_back(fmt::format("{} of {} will be refused: {}",
                                         to_string(step.verb),
                                         step.label,
                                         refused.error().message));
    }
    if (count > most_told) plan.notes.push_back(fmt::format("so will {} more", count - most_told));
}

PlanRequest request_of(const Plans::Wish& wish, bool is_stack) {
    const auto& action = wish.action;
    return {.verb = action.verb,
            .scope = action.force ? Scope::Force : Scope::Stack,
            .targets = wish.targets,
            .deadline = action.deadline,
            // Nothing shares the time of one VM: its agent takes any deadline.
            .shrink = action.shrink || action.always_cut || !is_stack,
            .cut_unaskable = action.cut_unaskable || action.always_cut,
            .width = std::min(action.width, std::uint32_t{10000}),
            .skip_unreached = wish.is_many,
            .never_cuts = action.run_level.has_value(),
            .self = wish.self};
}

} // namespace

Status check_one(const Action& action,
                 const InventoryView& inventory,
                 const VmId& vm,
                 const WorkerId& worker) {
    for (const auto& instance : inventory.instances(vm)) {
        if (!is_live(instance.state) || instance.worker != worker) continue;
        if (auto able = check_order(action, addressee_of(instance)); !able) return able;
        const auto record = action.verb == Verb::Suspend ? inventory.vm(vm) : nullptr;
        return record ? qemu::check_keeps_state(*record) : Status{};
    }
    return {};
}

Result<std::optional<Plan>>
Plans::consider(const InventoryView& inventory, const RowIndex& index, const Wish& wish) const {
    const auto& action = wish.action;
    auto around = wish.targets;
    const auto* self = roster_.find(wish.self);
    if (self != nullptr && self->record.platform.identifies())
        around.push_back(VmId{self->record.platform});
    const bool wakes = wish.is_many && action.verb == Verb::Resume;
    const auto graph = stack_around(
        inventory, index, roster_, around, wish.self, wakes ? Sleepers::Shown : Sleepers::LeftOut);
    const bool is_stack =
        wish.is_many || std::any_of(wish.targets.begin(), wish.targets.end(), [&](const auto& vm) {
            return !graph.workers_in(vm).empty() && !graph.carried_by(vm).empty();
        });
    if (!is_stack) return std::optional<Plan>{};
    auto plan = make_plan(graph, request_of(wish, is_stack), {});
    if (!plan) return tl::unexpected(plan.error());
    note_paused(*plan, graph);
    note_refused(*plan, inventory, action);
    if (is_rebooting(action.verb) && !action.no_restore) add_restoring(*plan, inventory, roster_);
    const auto askable = check_askable(*plan, action.verb);
    // It is shown all the same: who looks at it sees who cannot be asked, and asks check_askable().
    if (!askable && action.dry_run) return std::optional{std::move(*plan)};
    if (!askable) return tl::unexpected(askable.error());
    if (plan->steps.size() > most_steps || open_.size() >= most_open) {
        return fail(ErrorCode::Overloaded,
                    fmt::format("{} steps; a plan has at most {}, and at most {} run at once",
                                plan->steps.size(),
                                most_steps,
                                most_open));
    }
    if (auto crossing = check_crossing(action.verb, *plan); !crossing)
        return tl::unexpected(crossing.error());
    return std::optional{std::move(*plan)};
}

Result<Plan>
Plans::picture(const InventoryView& inventory, const RowIndex& index, const Wish& wish) const {
    const auto graph = stack_around(inventory, index, roster_, wish.targets, wish.self);
    auto plan = make_plan(graph, request_of(wish, /*is_stack=*/false), {});
    if (!plan || !wish.action.force) return plan;
    std::vector<std::string> inside;
    for (const auto& vm : wish.targets) {
        for (const auto& each : graph.all_inside(vm)) {
            if (inside.size() < most_told) inside.push_back(graph.find_vm(each)->label);
        }
    }
    if (!inside.empty()) {
        plan->notes.push_back(
            fmt::format("what it carries ends with it: {}", fmt::join(inside, ", ")));
    }
    return plan;
}

Status Plans::check_crossing(Verb verb, const Plan& plan) const {
    for (const auto& [id, run] : open_) {
        // A machine that ends itself and is no VM is known by its worker.
        std::set<std::pair<VmId, WorkerId>> shared;
        for (const auto& step : plan.steps) {
            if (run.meets(step))
                shared.emplace(step.vm, step.vm.is_none() ? step.worker : WorkerId{});
        }
        if (shared.empty()) continue;
        const auto common = shared.size();
        const bool is_contained = common == plan.steps.size() || common == run.steps().size();
        const bool is_alike = is_ending(verb) && is_ending(run.asked().verb);
        if (is_contained && is_alike) continue;
        return fail(ErrorCode::Conflict,
                    fmt::format("{} of its VMs belong to {} ({} {})",
                                common,
                                id,
                                to_string(run.asked().verb),
                                run.plan().target),
                    fmt::format("ctys actions show {}, or ctys actions cancel {}", id, id));
    }
    return {};
}

Result<Plan> Plans::like_before(ActionId id) const {
    if (open_.contains(id)) {
        return fail(ErrorCode::Conflict,
                    fmt::format("{} is still under way", id),
                    fmt::format("ctys actions show {}", id));
    }
    const auto ended = std::find_if(
        ended_.begin(), ended_.end(), [&](const Ended& each) { return each.plan.action == id; });
    if (ended == ended_.end()) {
        return fail(
            ErrorCode::NotFound, "it was no plan, or is not kept any more", "ctys actions --all");
    }
    auto plan = reverse_of(ended->plan, ended->steps);
    if (plan.steps.empty())
        return fail(ErrorCode::Conflict, fmt::format("{} has ended nothing", id));
    return plan;
}

std::optional<Plans::Asleep> Plans::find_asleep(const VmId& vm) const {
    for (auto it = ended_.rbegin(); it != ended_.rend(); ++it) {
        if (it->plan.verb != Verb::Suspend) continue;
        const auto step = std::find_if(it->steps.begin(), it->steps.end(), [&](const auto& each) {
            return each.step.vm == vm && each.step.verb == Verb::Suspend;
        });
        if (step == it->steps.end()) continue;
        auto plan = reverse_of(it->plan, it->steps, vm);
        if (step->state != StepState::Done || plan.steps.size() < 2) return std::nullopt;
        return Asleep{.plan = std::move(plan), .order = step->action};
    }
    return std::nullopt;
}

Status Plans::allows(Verb verb, const VmId& vm) const {
    if (is_ending(verb)) return {}; // it joins what is asked already, or takes nothing from it
    for (const auto& [id, run] : open_) {
        if (!run.has_step(vm)) continue;
        return fail(
            ErrorCode::Conflict,
            fmt::format(
                "it belongs to {} ({} {})", id, to_string(run.asked().verb), run.plan().target),
            fmt::format("ctys actions show {}, or ctys actions cancel {}", id, id));
    }
    return {};
}

bool Plans::gives_deadline(const VmId& vm) const {
    return std::any_of(open_.begin(), open_.end(), [&](const auto& each) {
        const auto& run = each.second;
        return run.plan().limited && is_ending(run.asked().verb) && run.has_open_step(vm);
    });
}

Status Plans::allows_rise(const Plan& plan) const {
    for (const auto& step : plan.steps) {
        const auto* member = roster_.find(step.worker);
        if (member == nullptr || member->record.draining.is_none()) continue;
        const auto& by = member->record.draining;
        return fail(ErrorCode::Conflict,
                    fmt::format("{} ends what runs on {}", by, member->record.name),
                    fmt::format("ctys actions show {}, or ctys actions cancel {}", by, by));
    }
    return check_crossing(Verb::Start, plan);
}

void Plans::begin(Turn& turn, const Action& asked, const std::string& target, const Plan& plan) {
    auto record = record_of(asked, plan);
    record.target = target;
    auto& run =
        open_
            .emplace(
                asked.id,
                PlanRun(asked, std::move(record), steps_of(asked.id, plan), turn.now().instant))
            .first->second;
    run.store(turn);
    moved_.insert(asked.id);
    drain(&turn);
}

bool Plans::cancel(ActionId plan) {
    const auto found = open_.find(plan);
    if (found == open_.end()) return false;
    found->second.cancel();
    moved_.insert(plan);
    return true;
}

void Plans::on_order_ended(const Action& order) {
    const auto found = open_.find(order.plan);
    if (found == open_.end()) return;
    found->second.on_order_ended(order.id);
    moved_.insert(order.plan);
}

void Plans::on_vm_ended(const VmId& vm) {
    for (auto& [id, run] : open_) {
        if (!run.has_step(vm)) continue;
        run.on_vm_ended(vm);
        moved_.insert(id);
    }
}

void Plans::on_registered(Turn& turn, const WorkerRecord& worker) {
    if (open_.empty() || !worker.platform.identifies()) return;
    auto vms = turn.index().copies_of(VmId{worker.platform});
    vms.insert(VmId{worker.platform});
    bool has_changed = false;
    for (const auto& vm : vms) {
        for (auto& [id, run] : open_) {
            if (!run.has_step(vm)) continue;
            const auto graph = stack_around(turn.inventory(), turn.index(), roster_, {vm});
            run.on_inside(turn, vm, graph.workers_in(vm));
            has_changed = run.take_drains_changed() || has_changed;
        }
    }
    if (has_changed) drain(&turn);
}

void Plans::excuse(Duration span) {
    for (auto& [id, run] : open_) {
        run.excuse(span);
    }
}

void Plans::on_tick(Turn& turn) {
    for (const auto& id : std::exchange(orphans_, {})) {
        turn.write(ErasePlan{id});
    }
    for (auto& [id, run] : open_) {
        run.on_tick(turn);
        moved_.insert(id);
    }
}

std::vector<Plans::Orders> Plans::advance(Turn& turn, const PlanView& view) {
    std::vector<Orders> all;
    for (const auto& id : std::exchange(moved_, {})) {
        const auto found = open_.find(id);
        if (found == open_.end()) continue;
        const auto before = found->second.steps().size();
        auto orders = found->second.advance(turn, view);
        const bool drains_others = found->second.take_drains_changed();
        if (drains_others || found->second.steps().size() != before) drain(&turn);
        if (orders.begin.empty() && orders.cancel.empty() && !orders.end) continue;
        all.push_back({id, std::move(orders)});
    }
    return all;
}

void Plans::finish(Turn& turn, ActionId plan) {
    const auto found = open_.find(plan);
    if (found == open_.end()) return;
    auto& run = found->second;
    run.close(turn);
    ended_.push_back({run.plan(), run.steps()});
    ended_steps_ += run.steps().size();
    open_.erase(found);
    drain(&turn);
    drop_oldest(turn);
}

void Plans::drop_oldest(Turn& turn) {
    // The newest stays, however large it is.
    while (ended_.size() > 1 && (ended_.size() > kept || ended_steps_ > kept_steps)) {
        turn.write(ErasePlan{ended_.front().plan.action});
        ended_steps_ -= ended_.front().steps.size();
        ended_.pop_front();
    }
}

void Plans::drain(Turn* turn) {
    std::map<WorkerId, ActionId> wanted;
    for (const auto& [id, run] : open_) {
        for (const auto& worker : run.drains()) {
            wanted.emplace(worker, id);
        }
    }
    // What the store says of workers outlives the plans it speaks of.
    std::set<WorkerId> all = drained_;
    if (turn == nullptr) {
        for (const auto& [id, member] : roster_.members()) {
            all.insert(id);
        }
    }
    for (const auto& [worker, id] : wanted) {
        all.insert(worker);
    }
    drained_.clear();
    for (const auto& worker : all) {
        auto* member = roster_.find(worker);
        if (member == nullptr) continue;
        const auto found = wanted.find(worker);
        const auto by = found == wanted.end() ? ActionId{} : found->second;
        if (!by.is_none()) drained_.insert(worker);
        if (std::exchange(member->record.draining, by) == by || turn == nullptr) continue;
        turn->put(member->record);
    }
}

std::vector<Row> Plans::rows(ActionId plan, Instant now) const {
    const auto give = [](const PlanRecord& record, const std::vector<PlanStepRecord>& steps) {
        std::vector<Row> rows;
        rows.reserve(steps.size() + 1);
        rows.emplace_back(record);
        rows.insert(rows.end(), steps.begin(), steps.end());
        return rows;
    };
    if (const auto found = open_.find(plan); found != open_.end())
        return give(found->second.plan_at(now), found->second.steps());
    const auto ended = std::find_if(
        ended_.begin(), ended_.end(), [&](const Ended& each) { return each.plan.action == plan; });
    return ended == ended_.end() ? std::vector<Row>{} : give(ended->plan, ended->steps);
}

} // namespace ctys::broker
