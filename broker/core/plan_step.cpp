// What becomes of one step of a plan: whether its turn has come, what its order did, and what the
// plan tells at its end.

#include "broker/core/plan_rise.h"
#include "broker/core/plan_run.h"
#include "mesh/core/digest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ctys::broker {

namespace {

constexpr std::size_t most_evidence = 64; // the plan itself tells of every step
constexpr Duration least_left = std::chrono::seconds{1};
/// A machine that was asked and says nothing more: its power-off may be under way.
constexpr Duration least_patience = std::chrono::seconds{60};
/// Nobody can tell whether it was reset: its next boot would.
constexpr Duration boot_patience = std::chrono::seconds{120};
/// A machine whose power is cut at the deadline is not given up a moment before.
constexpr Duration cut_time = std::chrono::seconds{30};
constexpr std::uint8_t power_off = 0; // a run level

/// The same for the same order, so that one that is asked for twice is one action.
ActionId order_id(ActionId plan, std::uint32_t step, std::uint32_t attempt) {
    const auto id = digest(fmt::format("{} {} {}", plan, step, attempt));
    return {id != 0 ? id : 1};
}

std::vector<InstanceRecord> live_instances(const InventoryView& inventory, const VmId& vm) {
    auto rows = inventory.instances(vm);
    std::erase_if(rows, [](const auto& row) { return !is_live(row.state); });
    return rows;
}

/// Not only somewhere else by now.
bool runs_there(const InventoryView& inventory, const PlanStep& step) {
    const auto live = live_instances(inventory, step.vm);
    return std::any_of(
        live.begin(), live.end(), [&](const auto& row) { return row.worker == step.worker; });
}

/// The same order may be given once more: it was never begun; or its worker, or the agent there,
/// was away meanwhile. Nobody can tell then that it was not begun, so only what may be done twice.
bool may_be_given_again(Verb verb, ErrorCode code) {
    if (code == ErrorCode::Unreachable) return is_repeatable(verb);
    return code == ErrorCode::Expired || code == ErrorCode::Overloaded;
}

/// From the first try to the one after so many.
Duration early_wait(std::uint32_t tries) {
    return std::chrono::seconds{(std::int64_t{1} << std::min(tries, 20U)) - 1};
}

bool has_ended(const PlanView& view, const PlanStep& step) {
    const bool powers_off = step.verb == Verb::Init && step.run_level == power_off;
    if (step.vm.is_none() || (!is_ending(step.verb) && !powers_off)) return false;
    return live_instances(view.inventory, step.vm).empty();
}

bool is_lost(const PlanView& view, const PlanStep& step) {
    const auto* member = view.roster.find(step.worker);
    return member == nullptr || member->record.state == WorkerState::Lost;
}

/// One of the machine's agents has called from another boot than the one in which it was asked.
bool has_booted(const PlanView& view, const PlanStep& step) {
    if (step.boot.is_none()) return false;
    return std::any_of(step.inside.begin(), step.inside.end(), [&](const WorkerId& id) {
        const auto* member = view.roster.find(id);
        return member != nullptr && member->reachable() && member->record.boot != step.boot;
    });
}

} // namespace

/// Its machine is started by this plan: it may be away as long as that takes.
bool PlanRun::follows_start(const PlanStep& step) const {
    return step.verb == Verb::Start ||
           (step.verb == Verb::Resume &&
            std::any_of(step.after.begin(), step.after.end(), [&](const auto before) {
                return steps_[before].step.verb == Verb::Start;
            }));
}

/// Nobody can tell or change what runs there. Where what carries it is resumed first, a machine
/// that stands still will be heard again.
bool PlanRun::is_out_of_reach(const PlanView& view, const PlanStep& step) const {
    const auto* member = view.roster.find(step.worker);
    if (member == nullptr) return true;
    if (follows_start(step)) return false;
    return member->record.state == WorkerState::Lost ||
           (member->record.state == WorkerState::Paused && step.verb != Verb::Resume);
}

/// What waits for a boot is given the time from the moment in which its machine went down, or was
/// started: what the levels outside took is over by then.
bool PlanRun::is_too_late(const Turn& turn, const PlanStep& step) const {
    if (step.boot.is_none()) return elapsed(turn) >= step.until;
    Duration from{};
    for (const auto before : step.after) {
        from = std::max(from, steps_[before].over);
    }
    return elapsed(turn) >= from + start_patience;
}

void PlanRun::examine(Turn& turn, const PlanView& view, std::uint32_t index) {
    auto& step = steps_[index];
    const bool is_away = is_out_of_reach(view, step.step);
    switch (step.state) {
    case StepState::Waiting:
        if (has_ended(view, step.step))
            return set(turn, step, StepState::Done, "had ended already");
        if (is_away) set(turn, step, StepState::Unreached, "its worker cannot be reached");
        return;
    case StepState::Asked:
        if (step.step.verb == Verb::Init) return examine_self(turn, view, step);
        examine_order(turn, view, step);
        if (step.state != StepState::Asked || !is_away) return;
        return has_ended(view, step.step)
                   ? set(turn, step, StepState::Done, "ended with its carrier")
                   : set(turn, step, StepState::Unreached, "its worker was lost meanwhile");
    case StepState::Unreached:
        if (has_ended(view, step.step)) set(turn, step, StepState::Done, "ended with its carrier");
        return;
    case StepState::Done:
    case StepState::Failed:
    case StepState::Skipped:
        return;
    }
}

void PlanRun::examine_order(Turn& turn, const PlanView& view, PlanStepRecord& step) {
    const auto* order = view.find_action(step.action);
    // The step was stored, and its order was not: that was the last thing a former life did.
    if (order == nullptr && is_cancelling_) return set(turn, step, StepState::Skipped, "cancelled");
    if (order == nullptr) return set(turn, step, StepState::Waiting, "to be asked again");
    if (order->state != ActionState::Ended) {
        // A start is awaited longer than its worker may be silent, and not for ever.
        if (follows_start(step.step) && is_lost(view, step.step) &&
            (is_cancelling_ || is_too_late(turn, step.step)))
            set(turn, step, StepState::Unreached, "its worker was lost meanwhile");
        return;
    }
    const auto outcome = order->outcome.value_or(Outcome{});
    if (outcome.ok()) return set(turn, step, StepState::Done, outcome.text);
    if (has_ended(view, step.step)) return set(turn, step, StepState::Done, "ended");
    const auto code = outcome.error->code;
    if (is_rebooting(step.step.verb) && code == ErrorCode::Indeterminate) {
        if (has_booted(view, step.step))
            return set(turn, step, StepState::Done, "rebooted, as its next boot tells");
        if (is_waited_for(turn, step)) return;
    }
    // Its own agent may have been quicker: ONBOOT.
    if (step.step.verb == Verb::Start && !live_instances(view.inventory, step.step.vm).empty())
        return set(turn, step, StepState::Done, "runs already");
    // What is to be cut has had its time, and may be cut late.
    const bool in_time =
        is_outer_first(step.step.verb)
            ? !is_too_late(turn, step.step)
            : step.step.verb == Verb::Kill || !plan_.limited || elapsed(turn) < step.step.until;
    // A machine that has just booted may start it by itself, or has not looked into its pools yet.
    const bool is_early = !step.step.boot.is_none() && step.step.verb == Verb::Start &&
                          (code == ErrorCode::Conflict || code == ErrorCode::NotFound);
    const bool may_change = may_be_given_again(step.step.verb, code) || is_early;
    const auto most = is_early ? most_early_tries : most_tries;
    if (may_change && step.tries < most && in_time && !is_cancelling_ &&
        !is_out_of_reach(view, step.step)) {
        return set(turn, step, StepState::Waiting, outcome.error->message);
    }
    set(turn, step, StepState::Failed, outcome.error->message);
}

/// The answer of its agent is that its machine goes down; that it did is seen by others.
void PlanRun::examine_self(Turn& turn, const PlanView& view, PlanStepRecord& step) {
    if (is_off(view, step)) {
        const bool is_down = step.step.run_level == power_off;
        return set(turn,
                   step,
                   StepState::Done,
                   is_down ? "its machine is off" : "its machine has rebooted");
    }
    const auto* order = view.find_action(step.action);
    if (order == nullptr && is_cancelling_) return set(turn, step, StepState::Skipped, "cancelled");
    if (order == nullptr) return set(turn, step, StepState::Waiting, "to be asked again");
    if (order->state != ActionState::Ended) {
        if (is_lost(view, step.step) && !is_waited_for(turn, step))
            set(turn, step, StepState::Unreached, "its worker was lost before it said how it went");
        return;
    }
    const auto outcome = order->outcome.value_or(Outcome{});
    if (outcome.ok() || outcome.error->code == ErrorCode::Indeterminate) {
        if (is_waited_for(turn, step)) return;
        return set(turn,
                   step,
                   StepState::Failed,
                   outcome.ok() ? "it was asked, and its machine goes on" : outcome.error->message);
    }
    if (may_be_given_again(step.step.verb, outcome.error->code) && step.tries < most_tries &&
        !is_cancelling_ && is_waited_for(turn, step) && !is_out_of_reach(view, step.step)) {
        return set(turn, step, StepState::Waiting, outcome.error->message);
    }
    set(turn, step, StepState::Failed, outcome.error->message);
}

bool PlanRun::is_off(const PlanView& view, const PlanStepRecord& step) const {
    if (step.step.run_level != power_off) return has_booted(view, step.step);
    if (!step.step.vm.is_none()) return has_ended(view, step.step);
    // Of hardware its agent said so, and was not heard since.
    const auto* order = view.find_action(step.action);
    const auto* member = view.roster.find(step.step.worker);
    return order != nullptr && order->outcome && order->outcome->ok() && member != nullptr &&
           member->record.state == WorkerState::Lost;
}

bool PlanRun::is_waited_for(const Turn& turn, const PlanStepRecord& step) const {
    if (is_cancelling_) return false;
    const auto& part = step.step;
    auto patience = std::max(least_patience, part.until - part.begin);
    if (is_rebooting(part.verb)) patience = std::max(patience, boot_patience);
    if (part.verb == Verb::Init && part.run_level != power_off) patience = start_patience;
    auto end = step.asked + patience;
    if (plan_.limited) end = std::max(end, part.until + cut_time);
    return elapsed(turn) < end;
}

std::optional<std::string> PlanRun::blocked_by(const PlanView& view, const PlanStep& step) const {
    if (step.verb == Verb::Start) {
        const auto* member = view.roster.find(step.worker);
        const auto by = member == nullptr ? ActionId{} : member->record.draining;
        if (!by.is_none() && by != plan_.action)
            return fmt::format("{} ends what runs on {}", by, member->record.name);
    }
    for (const auto before : step.after) {
        const auto& other = steps_[before];
        const auto& label = other.step.label;
        const bool is_missing =
            other.state == StepState::Failed || other.state == StepState::Skipped;
        const bool is_beside = other.step.level == step.level;
        if (is_outer_first(step.verb)) {
            // It came up, and has ended since: nobody will call from inside it.
            const bool is_gone = !is_beside && !other.step.vm.is_none() &&
                                 live_instances(view.inventory, other.step.vm).empty();
            const bool is_there = !is_missing && other.state != StepState::Unreached;
            if (is_there && is_gone)
                return fmt::format("{}, which carries it, does not run any more", label);
            if (is_there) continue;
            if (is_beside)
                return fmt::format("{}, after which it {}, does not run",
                                   label,
                                   step.verb == Verb::Resume ? "goes on" : "starts");
            return is_outer_first(other.step.verb)
                       ? fmt::format("{}, which carries it, does not run", label)
                       : fmt::format("{}, which carries it, was not rebooted", label);
        }
        if (other.step.verb == Verb::Init) {
            if (is_missing || other.state == StepState::Unreached)
                return fmt::format("{} was not asked to go down", label);
        } else if (is_missing && !plan_.limited && asked_.verb != Verb::Kill &&
                   runs_there(view.inventory, other.step)) {
            // Nobody said that anything may be cut: what goes on inside keeps its carrier.
            return is_beside ? fmt::format("{}, which needs it, goes on", label)
                             : fmt::format("{} inside goes on", label);
        }
    }
    return std::nullopt;
}

/// Under a deadline what could not be asked inside has its carrier's time until that is due.
bool PlanRun::is_held(const PlanView& view, const PlanStep& step) const {
    if (!plan_.limited || plan_.until == Duration{} || is_outer_first(step.verb)) return false;
    return std::any_of(step.after.begin(), step.after.end(), [&](const auto before) {
        const auto& inner = steps_[before];
        return inner.state == StepState::Failed && is_ending(inner.step.verb) &&
               runs_there(view.inventory, inner.step);
    });
}

/// What was out of reach is back, and still at the order that it had: nothing is asked twice.
bool PlanRun::has_work_inside(const PlanView& view, const PlanStep& step) const {
    if (is_outer_first(step.verb)) return false;
    return std::any_of(step.after.begin(), step.after.end(), [&](const auto before) {
        const auto& inner = steps_[before];
        if (inner.state != StepState::Unreached || is_out_of_reach(view, inner.step)) return false;
        const auto* order = view.find_action(inner.action);
        return order != nullptr && order->state != ActionState::Ended &&
               runs_there(view.inventory, inner.step);
    });
}

void PlanRun::try_start(Turn& turn, const PlanView& view, std::uint32_t index, PlanOrders& orders) {
    const auto group = group_of(index);
    const bool is_late = is_due(turn, steps_[index].step);
    if (!is_late && asked_in_[group] >= plan_.width) return;
    if (const auto why = blocked_by(view, steps_[index].step))
        return set(turn, steps_[index], StepState::Skipped, *why);
    if (!is_late && has_work_inside(view, steps_[index].step)) return;
    if (!is_late && add_newcomers(turn, view, index)) return;
    if (!is_late && is_held(view, steps_[index].step)) return;
    auto& step = steps_[index];
    if (is_out_of_reach(view, step.step))
        return set(turn, step, StepState::Unreached, "its worker cannot be reached");
    const auto& member = *view.roster.find(step.step.worker);
    const bool rises = is_outer_first(step.step.verb);
    // It may be about to call, and to tell what has ended meanwhile, or what it has paths to.
    const bool awaits =
        !member.reachable() || view.roster.is_settling(member.record.id) ||
        (follows_start(step.step) && member.exchanging) ||
        (rises && !step.step.boot.is_none() && member.record.boot == step.step.boot);
    if (awaits && (!rises || !is_too_late(turn, step.step))) return;
    if (awaits) return set(turn, step, StepState::Failed, "its worker was not heard in time");
    // A pool may be mounted long after the agent has called.
    const bool is_early = rises && !step.step.boot.is_none() && step.tries > 0;
    if (is_early && elapsed(turn) < step.asked + early_wait(step.tries)) return;
    if (step.step.verb == Verb::Init) return order(turn, view, step, {}, orders);
    try_process(turn, view, step, orders);
}

void PlanRun::try_process(Turn& turn,
                          const PlanView& view,
                          PlanStepRecord& step,
                          PlanOrders& orders) {
    const auto verb = step.step.verb;
    const auto live = live_instances(view.inventory, step.step.vm);
    if (verb == Verb::Start) {
        if (live.empty()) return order(turn, view, step, {}, orders);
        return set(turn, step, StepState::Done, "runs already");
    }
    if (live.empty()) {
        if (is_ending(verb)) return set(turn, step, StepState::Done, "had ended already");
        const bool is_missed =
            is_rebooting(verb) || verb == Verb::Suspend || follows_start(step.step);
        return is_missed ? set(turn, step, StepState::Failed, "it does not run any more")
                         : set(turn, step, StepState::Done, "does not run");
    }
    if (live.size() > 1) return set(turn, step, StepState::Failed, "it runs more than once");
    if (live.front().worker != step.step.worker)
        return set(turn, step, StepState::Failed, "it runs elsewhere by now");
    order(turn, view, step, live.front().key, orders);
}

/// What is started inside later waits for another boot than this one.
void PlanRun::note_boots(Turn& turn, const PlanView& view, PlanStepRecord& step) {
    const auto& inside = step.step.inside;
    if (inside.empty() || is_outer_first(step.step.verb)) return;
    if (is_rebooting(step.step.verb) || step.step.verb == Verb::Init) {
        // Workers of former boots are inside, too: lost ones.
        const auto speaks = std::find_if(inside.begin(), inside.end(), [&](const WorkerId& id) {
            const auto* member = view.roster.find(id);
            return member != nullptr && member->reachable();
        });
        const auto at = step.step.verb == Verb::Init ? step.step.worker
                        : speaks != inside.end()     ? *speaks
                                                     : inside.front();
        if (const auto* machine = view.roster.find(at)) step.step.boot = machine->record.boot;
    }
    if (!restores_) return;
    for (auto& later : steps_) {
        if (later.step.boot.is_none() || !is_outer_first(later.step.verb)) continue;
        const auto* member = view.roster.find(later.step.worker);
        const bool is_inside =
            std::find(inside.begin(), inside.end(), later.step.worker) != inside.end();
        if (!is_inside || member == nullptr || member->record.boot == later.step.boot) continue;
        later.step.boot = member->record.boot;
        turn.put(later);
    }
}

void PlanRun::order(Turn& turn,
                    const PlanView& view,
                    PlanStepRecord& step,
                    const InstanceKey& instance,
                    PlanOrders& orders) {
    note_boots(turn, view, step);
    const auto& part = step.step;
    ++step.tries;
    Action action{.id = order_id(plan_.action, step.index, step.tries), .verb = part.verb};
    const bool is_of_machine = part.verb == Verb::Init;
    action.target = is_of_machine ? fmt::format("w:{}", part.worker) : fmt::format("u:{}", part.vm);
    if (!is_of_machine) action.vm = part.vm;
    action.worker = part.worker;
    action.instance = instance;
    action.run_level = part.run_level;
    action.reason = asked_.reason;
    action.principal = asked_.principal;
    action.plan = plan_.action;
    if (part.verb == Verb::Shutdown || part.verb == Verb::Reboot) {
        // Who was given another time to end keeps it.
        if (!view.has_deadline(part.vm)) action.deadline = part.grace;
        if (plan_.limited && part.cuts)
            action.deadline = std::max(least_left, part.until - elapsed(turn));
    }
    step.action = action.id;
    by_order_[action.id] = step.index;
    if (step.tries == 1) step.asked = elapsed(turn);
    orders.begin.push_back({std::move(action), part.label});
    set(turn,
        step,
        StepState::Asked,
        is_of_machine ? fmt::format("its machine asked: run level {}", part.run_level.value_or(0))
                      : fmt::format("{} asked", to_string(part.verb)));
}

/// "4 of 4 VMs"; of a plan that starts things again "3 of 3 VMs ended, lab02 rebooted, 3 of 3
/// started again".
std::string PlanRun::sum_up(std::size_t done) const {
    const auto total = static_cast<std::size_t>(std::count_if(
        steps_.begin(), steps_.end(), [&](const auto& each) { return !is_cut_of_self(each); }));
    if (!restores_) return fmt::format("{} of {} VMs", done, total);
    std::size_t ended = 0;
    std::size_t to_end = 0;
    std::size_t started = 0;
    std::size_t to_start = 0;
    std::vector<std::string> machines;
    for (const auto& each : steps_) {
        const bool is_done = each.state == StepState::Done;
        if (is_outer_first(each.step.verb)) {
            ++to_start;
            started += is_done ? 1 : 0;
        } else if (is_ending(each.step.verb)) {
            ++to_end;
            ended += is_done ? 1 : 0;
        } else {
            machines.push_back(fmt::format("{} {}{}",
                                           each.step.label,
                                           is_done ? "" : "not ",
                                           each.step.verb == Verb::Reset ? "reset" : "rebooted"));
        }
    }
    constexpr std::size_t most_named = 4;
    auto told = machines.size() > most_named ? fmt::format("{} machines rebooted", machines.size())
                                             : fmt::format("{}", fmt::join(machines, ", "));
    return fmt::format(
        "{} of {} VMs ended, {}, {} of {} started again", ended, to_end, told, started, to_start);
}

/// The cut at the deadline of a machine that was asked: no VM more.
bool PlanRun::is_cut_of_self(const PlanStepRecord& step) const {
    const auto& after = step.step.after;
    return std::any_of(after.begin(), after.end(), [&](const auto before) {
        return steps_[before].step.verb == Verb::Init &&
               steps_[before].step.level == step.step.level;
    });
}

Outcome PlanRun::outcome(const Turn& turn, const PlanView& view) const {
    std::size_t done = 0;
    std::size_t unverified = 0;
    std::optional<ErrorCode> code;
    Error error;
    for (const auto& step : steps_) {
        if (is_cut_of_self(step) && step.state != StepState::Failed) continue;
        const auto outer = carrier_of(step.index);
        if (step.state == StepState::Done) {
            ++done;
        } else if (step.state == StepState::Unreached && is_ending(step.step.verb) && outer &&
                   steps_[*outer].state == StepState::Done) {
            // Its machine has gone: nothing of it runs, only nobody saw how it ended.
            ++unverified;
        } else {
            const auto* order = view.find_action(step.action);
            const bool told = step.state == StepState::Failed && order != nullptr &&
                              order->outcome && order->outcome->error;
            const auto why = told                                 ? order->outcome->error->code
                             : step.state == StepState::Unreached ? ErrorCode::Unreachable
                             : step.step.verb == Verb::Init       ? ErrorCode::TimedOut
                                                                  : ErrorCode::Conflict;
            // What was skipped follows from another step's failure.
            if (step.state != StepState::Skipped)
                code = code && *code != why ? ErrorCode::Partial : why;
            if (error.evidence.size() < most_evidence)
                error.evidence.push_back(fmt::format("{}: {}", step.step.label, step.text));
        }
    }
    const auto took = to_short_text(elapsed(turn));
    auto text = sum_up(done);
    if (unverified > 0) text += fmt::format(", {} not verified", unverified);
    if (error.evidence.empty()) return {.error = {}, .text = std::move(text)};
    error.code = code.value_or(ErrorCode::Conflict);
    if (is_cancelling_)
        error.code = ErrorCode::Cancelled;
    else if (done > 0 && error.code != ErrorCode::TimedOut && error.code != ErrorCode::Refused)
        error.code = ErrorCode::Partial;
    error.message = restores_ ? fmt::format("{} after {}", sum_up(done), took)
                              : fmt::format("{} done after {}", sum_up(done), took);
    error.try_next = restores_ ? fmt::format("ctys start --like-before {}", plan_.action)
                               : fmt::format("ctys actions show {}", plan_.action);
    return {.error = std::move(error), .text = std::move(text)};
}

} // namespace ctys::broker
