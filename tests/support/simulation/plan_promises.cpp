#include "tests/support/simulation/plan_promises.h"

#include "tests/support/simulation/sim_mesh.h"

namespace ctys::sim {

namespace {

using std::chrono::seconds;

constexpr Duration least_left = seconds{1};
constexpr Duration slack = seconds{1}; ///< of the writer, between deciding and being durable

/// The broker was told of it, and of no other process of the same VM: what runs twice is left to
/// people.
bool is_known(const MapStore& store, const Process& process) {
    const auto rows = store.instances(process.vm);
    const bool is_told = std::any_of(
        rows.begin(), rows.end(), [&](const auto& row) { return row.key == process.key; });
    return is_told && std::none_of(rows.begin(), rows.end(), [&](const auto& row) {
               return row.key != process.key && is_live(row.state);
           });
}

} // namespace

void PlanPromises::on_event(const Event& event) {
    const auto* record = std::get_if<ActionRecord>(&event.payload);
    if (record == nullptr) return;
    // An agent that was restarted does not know any more for which plan it had begun an order.
    const auto known = mesh_.broker.store().actions().find(record->action.id);
    const auto& action =
        known == mesh_.broker.store().actions().end() ? record->action : known->second.action;
    if (event.kind == EventKind::ActionCancelling) {
        cancelled_.insert(action.id);
    } else if (event.kind == EventKind::ActionBegun && !is_repeatable(action.verb)) {
        check_once(*record, action);
    } else if (event.kind == EventKind::ActionEnded && action.plan.is_none()) {
        ended_.insert(action.id);
        check_done(*record);
    } else if (event.kind == EventKind::ActionEnded && !action.plan.is_none()) {
        const auto found = open_.find({action.plan, action.vm});
        if (found != open_.end() && found->second == action.id) open_.erase(found);
    } else if (event.kind == EventKind::ActionRequested) {
        if (!action.plan.is_none()) on_order(*record);
        if (action.plan.is_none()) note_steps(action.id);
        // What is reused runs already.
        if (action.verb == Verb::Start && action.if_running == IfRunning::Refuse) on_start(*record);
    }
}

/// What may have happened is not asked for once more.
void PlanPromises::check_once(const ActionRecord& record, const Action& action) {
    if (action.plan.is_none()) return;
    const auto [first, is_new] = begun_once_.try_emplace({action.plan, action.vm}, action.id);
    if (!is_new && first->second != action.id)
        mesh_.ground.broken(
            "P4", fmt::format("{} of {} is begun twice", to_string(action.verb), record.label));
}

void PlanPromises::note_steps(ActionId plan) {
    const auto& store = mesh_.broker.store();
    const auto record = store.plans().find(plan);
    if (record == store.plans().end()) return;
    const auto [at, is_new] = begun_.try_emplace(plan);
    auto& begun = at->second;
    if (is_new) begun.at = mesh_.ground.schedule.now();
    if (is_new) begun.width = record->second.width;
    if (begun.steps.size() == record->second.steps) return;
    for (auto it = store.plan_steps().lower_bound({plan, 0});
         it != store.plan_steps().end() && it->first.first == plan;
         ++it) {
        const auto& [key, step] = *it;
        begun.steps.try_emplace(step.index, step.step);
    }
    for (auto it = store.plan_steps().lower_bound({plan, 0});
         it != store.plan_steps().end() && it->first.first == plan;
         ++it) {
        const auto& step = it->second;
        const bool is_rise = is_outer_first(step.step.verb);
        for (const auto before : step.step.after) {
            // Beside it stands what STARTAFTER names.
            const auto& other = begun.steps.at(before);
            if (is_rise && other.level + 1 == step.step.level)
                begun.group[step.index] = before;
            else if (!is_rise && other.level == step.step.level + 1)
                begun.group[before] = step.index;
        }
    }
}

const PlanStepRecord* PlanPromises::step_of(const ActionRecord& order) const {
    for (const auto& [key, step] : mesh_.broker.store().plan_steps()) {
        if (step.plan == order.action.plan && step.action == order.action.id) return &step;
    }
    return nullptr;
}

void PlanPromises::on_order(const ActionRecord& order) {
    const auto& action = order.action;
    const auto& store = mesh_.broker.store();
    const auto asked = store.actions().find(action.plan);
    const auto plan = store.plans().find(action.plan);
    if (asked == store.actions().end() || plan == store.plans().end())
        return mesh_.ground.broken("P4", "an order of a plan that is not durable");
    if (ended_.contains(action.plan))
        mesh_.ground.broken("P4", fmt::format("{} is asked after its plan's end", order.label));
    if (cancelled_.contains(action.plan))
        mesh_.ground.broken("P4", fmt::format("{} is asked by a cancelled plan", order.label));
    if (!open_.emplace(std::pair{action.plan, action.vm}, action.id).second)
        mesh_.ground.broken("P4", fmt::format("{} has two orders of one plan", order.label));
    note_steps(action.plan);
    check_width(order);
    if (is_ending(action.verb) || is_rebooting(action.verb) || action.verb == Verb::Init) {
        note_boots(order);
        check_inside(order);
        check_deadline(order, plan->second);
    }
    if (action.verb == Verb::Start) check_boot(order);
}

void PlanPromises::note_boots(const ActionRecord& order) {
    const auto* step = step_of(order);
    if (step == nullptr) return;
    for (const auto& id : step->step.inside) {
        const auto worker = mesh_.broker.store().workers().find(id);
        if (worker != mesh_.broker.store().workers().end())
            boots_[{order.action.plan, id}] = worker->second.boot;
    }
}

/// What is started again waits for its machine's next boot.
void PlanPromises::check_boot(const ActionRecord& order) const {
    const auto& action = order.action;
    const auto worker = mesh_.broker.store().workers().find(action.worker);
    const auto before = boots_.find({action.plan, action.worker});
    if (worker == mesh_.broker.store().workers().end() || before == boots_.end()) return;
    if (worker->second.boot == before->second)
        mesh_.ground.broken(
            "P4", fmt::format("{} is started again before its machine has booted", order.label));
}

bool PlanPromises::is_due(const PlanStepRecord& step) const {
    const auto& plan = mesh_.broker.store().plans().at(step.plan);
    if (!plan.limited) return false;
    // "At once": what cannot be cut inside is not waited for.
    if (plan.until == Duration{}) return true;
    const auto& begun = begun_.at(step.plan);
    return mesh_.ground.schedule.now() - begun.at + slack >= begun.steps.at(step.index).begin;
}

void PlanPromises::check_width(const ActionRecord& order) {
    const auto* step = step_of(order);
    if (step == nullptr) return;
    const auto& steps = mesh_.broker.store().plan_steps();
    auto& begun = begun_.at(step->plan);
    const auto group = begun.group.find(step->index);
    auto& asked = begun.asked[group == begun.group.end() ? -1 : group->second];
    std::erase_if(asked, [&](auto index) {
        const auto found = steps.find({step->plan, index});
        return found == steps.end() || found->second.state != StepState::Asked ||
               is_due(found->second);
    });
    if (is_due(*step)) return;
    asked.insert(step->index);
    if (asked.size() > begun.width)
        mesh_.ground.broken("P4", fmt::format("{} is one of too many at once", order.label));
}

/// A plan that says it has ended all has.
void PlanPromises::check_done(const ActionRecord& plan) {
    const auto& store = mesh_.broker.store();
    const auto found = store.plans().find(plan.action.id);
    if (found == store.plans().end() || !is_ending(found->second.verb)) return;
    if (!plan.outcome || !plan.outcome->ok()) return;
    note_steps(plan.action.id);
    for (const auto& [key, step] : store.plan_steps()) {
        if (key.first != plan.action.id || step.state != StepState::Done) continue;
        for (const auto& row : store.instances(step.step.vm)) {
            // What somebody has started since is another process.
            const auto age = mesh_.ground.schedule.clock().wall - row.started;
            if (is_live(row.state) && row.worker == step.step.worker &&
                age > mesh_.ground.schedule.now() - begun_.at(plan.action.id).at)
                mesh_.ground.broken("P4", fmt::format("{} is done and runs on", step.step.label));
        }
    }
}

/// Its order for this VM on this worker; another VM of the same name, or one elsewhere, is meant by
/// none.
bool PlanPromises::has_failed(ActionId plan, const VmId& vm, const WorkerId& worker) const {
    const auto& steps = mesh_.broker.store().plan_steps();
    return std::any_of(steps.begin(), steps.end(), [&](const auto& each) {
        const auto& step = each.second;
        return step.plan == plan && step.step.vm == vm && step.step.worker == worker &&
               step.state == StepState::Failed;
    });
}

/// Nothing that lives inside and could be asked is left behind.
void PlanPromises::check_inside(const ActionRecord& order) const {
    const auto& store = mesh_.broker.store();
    const auto* step = step_of(order);
    if (step == nullptr) return mesh_.ground.broken("P4", "an order without a step");
    if (is_due(*step)) return;
    for (const auto& agent : mesh_.agents) {
        const auto& machine = agent->machine();
        const bool is_meant = step->step.vm.is_none() ? agent->plan().id == step->step.worker
                                                      : machine.inside() == step->step.vm;
        if (!is_meant || !machine.is_up() || machine.is_frozen()) continue;
        if (!agent->is_up() || agent->is_frozen() || mesh_.network.is_cut(agent->name())) continue;
        const auto worker = store.workers().find(agent->plan().id);
        if (worker == store.workers().end() || worker->second.state != WorkerState::Alive) continue;
        for (const auto& [key, process] : machine.processes()) {
            // A kill cuts what carries it, also where its own process outlives its order.
            if (store.plans().at(step->plan).verb == Verb::Kill &&
                has_failed(step->plan, process->vm, agent->plan().id))
                continue;
            if (is_known(store, *process) && !mesh_.promises.is_declared_dead(key))
                mesh_.ground.broken("P4",
                                    fmt::format("{} is asked to end while {} runs in it",
                                                order.label,
                                                process->label));
        }
    }
}

/// Another order that goes on, or another plan, says when the VM is cut. What is ordered in the
/// same step of the broker does not know of each other.
bool PlanPromises::is_given_time_by_others(const ActionRecord& order) const {
    const auto& store = mesh_.broker.store();
    for (const auto& [id, other] : store.actions()) {
        const auto& action = other.action;
        if (id == order.action.id || other.state == ActionState::Ended) continue;
        if (!(other.requested < order.requested)) continue;
        if (action.verb == Verb::Shutdown && action.vm == order.action.vm && action.deadline &&
            !action.worker.is_none())
            return true;
        const auto plan = store.plans().find(id);
        if (id == order.action.plan || plan == store.plans().end() || !plan->second.limited ||
            !is_ending(plan->second.verb))
            continue;
        for (const auto& [key, step] : store.plan_steps()) {
            if (step.plan == id && step.step.vm == order.action.vm && !is_over(step.state))
                return true;
        }
    }
    return false;
}

/// Its own share, and none where nobody gave any.
void PlanPromises::check_deadline(const ActionRecord& order, const PlanRecord& plan) const {
    const auto* step = step_of(order);
    if (step == nullptr || order.action.verb != Verb::Shutdown) return;
    const auto& begun = begun_.at(step->plan);
    const auto left = begun.steps.at(step->index).until - (mesh_.ground.schedule.now() - begun.at);
    if (plan.limited && step->step.cuts &&
        order.action.deadline.value_or(Duration{}) + slack < left)
        mesh_.ground.broken("P5", fmt::format("{} has less than its share", order.label));
    if (step->tries > 1) return;
    std::optional<Duration> expected;
    if (plan.limited && step->step.cuts)
        expected = std::max(least_left, step->step.until - step->asked);
    else if (step->step.grace && !is_given_time_by_others(order))
        expected = step->step.grace;
    if (order.action.deadline != expected)
        mesh_.ground.broken("P4", fmt::format("{} has another share than its own", order.label));
}

void PlanPromises::on_start(const ActionRecord& start) const {
    const auto& store = mesh_.broker.store();
    for (const auto& [key, step] : store.plan_steps()) {
        const auto& inside = step.step.inside;
        if (std::find(inside.begin(), inside.end(), start.action.worker) == inside.end()) continue;
        const auto asked = store.actions().find(step.plan);
        if (asked == store.actions().end() || ended_.contains(step.plan)) continue;
        if (is_outer_first(step.step.verb) || is_outer_first(asked->second.action.verb)) continue;
        const bool reboots = is_rebooting(asked->second.action.verb);
        if (reboots && is_over(step.state)) continue;
        mesh_.ground.broken("P4",
                            fmt::format("{} is started inside what a plan ends", start.label));
    }
}

void PlanPromises::check_rest() const {
    const auto& store = mesh_.broker.store();
    for (const auto& [id, worker] : store.workers()) {
        if (!worker.draining.is_none())
            mesh_.ground.broken("P4", fmt::format("{} drains for ever", worker.name));
    }
    for (const auto& [key, step] : store.plan_steps()) {
        if (!is_over(step.state))
            mesh_.ground.broken("P4", fmt::format("the step of {} is never over", step.step.label));
    }
}

} // namespace ctys::sim
