// Orders that mean more than one VM, or a machine, and what lies in them.

#include "broker/core/dispatcher.h"
#include "broker/core/placement.h"
#include "broker/core/stack_around.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

constexpr std::uint8_t power_off = 0; // run levels
constexpr std::uint8_t reboot = 6;

std::vector<VmId> running_on(Turn& turn, const WorkerId& worker) {
    std::vector<VmId> found;
    for (const auto& vm : turn.index().live_vms_of(worker)) {
        const auto rows = turn.inventory().instances(vm);
        if (std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
                return is_live(row.state) && row.worker == worker;
            }))
            found.push_back(vm);
    }
    return found;
}

/// Suspended to disk, on the worker or anywhere.
std::vector<VmId> asleep_on(Turn& turn, const std::optional<WorkerId>& worker) {
    auto vms = turn.index().asleep_vms();
    std::erase_if(vms, [&](const VmId& vm) {
        const auto place = sleeps_on(turn.inventory(), vm);
        return place.is_none() || (worker && place != *worker);
    });
    return vms;
}

} // namespace

/// INIT is done inside, or not at all.
Status Dispatcher::check_run_level(const Action& action) {
    if (action.verb == Verb::Init) {
        if (action.run_level && *action.run_level != power_off && *action.run_level != reboot)
            return {};
        return fail(ErrorCode::Usage,
                    "this run level ends or reboots a machine",
                    "ctys shutdown VM, or ctys reboot VM");
    }
    if (!action.run_level) return {};
    const bool is_meant = (action.verb == Verb::Shutdown && *action.run_level == power_off) ||
                          (action.verb == Verb::Reboot && *action.run_level == reboot);
    if (!is_meant) return fail(ErrorCode::Usage, "this is no word for a run level");
    if (action.force || action.deadline || action.always_cut || action.cut_unaskable) {
        return fail(ErrorCode::Usage,
                    "a run level is entered by the guest alone: no power is cut, now or later",
                    fmt::format("ctys {} VM", to_string(action.verb)));
    }
    return {};
}

/// Of a plan without steps the answer says why there are none.
Dispatcher::Admission Dispatcher::admit_plan(const Action& action, Plan plan) {
    if (plan.steps.empty() && !action.dry_run && !plan.notes.empty())
        return Admission{.answer = plan.notes.front(), .wait = {}, .plan = {}};
    return Admission{.answer = {}, .wait = {}, .plan = std::move(plan)};
}

Result<Dispatcher::Admission> Dispatcher::admit_rise(Plan plan) const {
    if (auto allowed = plans_.allows_rise(plan); !allowed) return tl::unexpected(allowed.error());
    return Admission{.answer = {}, .wait = {}, .plan = std::move(plan)};
}

Result<Dispatcher::Admission>
Dispatcher::admit_init(Turn& turn, ActionRecord& record, const VmRecord& vm) const {
    const auto live = require_live(vm, turn.inventory().instances(vm.id));
    if (!live) return tl::unexpected(live.error());
    const auto graph = stack_around(turn.inventory(), turn.index(), roster_, {vm.id});
    const auto& inside = graph.workers_in(vm.id);
    for (const auto& worker : inside) {
        const auto* member = roster_.find(worker);
        if (member == nullptr || !member->reachable()) continue;
        record.action.worker = worker;
        return Admission{};
    }
    const auto able = check_one(record.action, turn.inventory(), vm.id, live->worker);
    const bool has_channel = able || able.error().code != ErrorCode::Unsupported;
    if (inside.empty() && !has_channel) return tl::unexpected(able.error());
    if (has_channel) {
        const auto* outside = roster_.find(live->worker);
        if (outside == nullptr || !outside->reachable())
            return unless_awaited(live->worker, away(live->worker, roster_));
        if (!able) return tl::unexpected(able.error());
        if (auto allowed = plans_.allows(record.action.verb, vm.id); !allowed)
            return tl::unexpected(allowed.error());
        record.action.worker = live->worker;
        record.action.instance = live->key;
        return Admission{};
    }
    const auto* member = roster_.find(inside.front());
    return unless_awaited(
        inside.front(),
        Error{.code = ErrorCode::Unreachable,
              .message =
                  fmt::format("the agent inside is {}",
                              member != nullptr ? to_string(member->record.state) : "not known"),
              .try_next = "ctys workers"});
}

/// A machine ends after all that runs on it: by its own agent, or at once by whoever runs it.
Status Dispatcher::mean_self(Turn& turn,
                             const msg::Submit& submit,
                             const WorkerId& worker,
                             Plans::Wish& wish) const {
    const auto& action = wish.action;
    if (!is_ending(action.verb) && !is_rebooting(action.verb)) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("a machine cannot {} itself", to_string(action.verb)),
                    "the same without SELF");
    }
    const auto& record = roster_.find(worker)->record;
    const bool is_asker = (!submit.boot.is_none() && submit.boot == record.boot) ||
                          (submit.platform.identifies() && submit.platform == record.platform);
    if (is_asker) {
        return fail(ErrorCode::Refused,
                    fmt::format("{} is the machine on which this was asked: nobody ends the "
                                "machine that he speaks from",
                                record.name),
                    "ask from another machine, or end it by its own system: poweroff");
    }
    const VmId carrier{record.platform};
    const auto around = stack_around(turn.inventory(), turn.index(), roster_, {carrier}, worker);
    const bool is_carried = around.carrier_of(worker) == carrier && record.platform.identifies();
    const bool at_once = action.verb == Verb::Kill || action.verb == Verb::Reset || action.force ||
                         action.deadline == Duration{};
    if (is_carried && at_once) {
        wish.targets = {carrier};
        return {};
    }
    if (action.verb == Verb::Kill) {
        return fail(ErrorCode::Unsupported,
                    "its machine is no VM that the mesh knows: nobody here can cut its power",
                    fmt::format("ctys shutdown w:{} --self", record.name));
    }
    if (!roster_.find(worker)->reachable()) {
        return fail(ErrorCode::Unreachable,
                    fmt::format("{} is {}", record.name, to_string(record.state)),
                    "ctys workers");
    }
    wish.self = worker;
    if (action.force) return {};
    for (const auto& [id, member] : roster_.members()) {
        if (member.record.boot != record.boot) continue; // several agents may share a machine
        const auto vms = running_on(turn, id);
        wish.targets.insert(wish.targets.end(), vms.begin(), vms.end());
    }
    return {};
}

/// It sleeps since a plan suspended it with what it carries: both are brought back.
std::optional<Plan> Dispatcher::plan_waking(const Turn& turn, const VmRecord& vm) const {
    auto asleep = plans_.find_asleep(vm.id);
    if (!asleep) return std::nullopt;
    const auto* order = find(asleep->order);
    std::optional<InstanceRecord> last;
    for (auto& row : turn.inventory().instances(vm.id)) {
        if (is_live(row.state) && row.state != VmState::Suspended) return std::nullopt;
        if (!last || last->started < row.started) last = std::move(row);
    }
    if (order == nullptr || !last || last->key != order->action.instance) return std::nullopt;
    return std::move(asleep->plan);
}

Result<Dispatcher::Admission> Dispatcher::admit_many(Turn& turn,
                                                     ActionRecord& record,
                                                     const msg::Submit& submit,
                                                     const std::optional<WorkerId>& worker) {
    if (!is_of_stacks(record.action.verb)) {
        return fail(ErrorCode::Usage,
                    fmt::format("nobody can {} all VMs at once", to_string(record.action.verb)));
    }
    if (!submit.yes && !record.action.dry_run) {
        return fail(ErrorCode::Conflict,
                    "it means every VM that runs there, and nobody has agreed",
                    "look at it with --dry-run; then: --yes");
    }
    if (record.action.always_cut && !submit.action.deadline)
        record.action.deadline = std::chrono::seconds{20};
    record.label = record.action.target == "*" ? "everything" : record.action.target;
    Plans::Wish wish{.action = record.action, .targets = {}, .is_many = true, .self = {}};
    if (worker && record.action.self) {
        if (auto meant = mean_self(turn, submit, *worker, wish); !meant)
            return tl::unexpected(meant.error());
    } else if (worker) {
        wish.targets = running_on(turn, *worker);
    } else {
        wish.targets = turn.index().live_vms();
    }
    if (record.action.verb == Verb::Resume) {
        const auto asleep = asleep_on(turn, worker);
        wish.targets.insert(wish.targets.end(), asleep.begin(), asleep.end());
    }
    auto plan = plans_.consider(turn.inventory(), turn.index(), wish);
    if (!plan) return tl::unexpected(plan.error());
    return admit_plan(record.action, std::move(**plan));
}

Result<std::optional<Plan>>
Dispatcher::plan_start(const Turn& turn, const Action& action, const VmRecord& vm) const {
    constexpr std::size_t most_levels = 16;
    std::vector<PlanStep> inner_first;
    auto at = vm.id;
    while (inner_first.size() < most_levels) {
        const auto record = turn.inventory().vm_brief(at);
        if (!record) return std::optional<Plan>{};
        const auto paths = turn.inventory().paths(at);
        const Member* place = nullptr;
        for (const auto& path : paths) {
            const auto* member = roster_.find(path.worker);
            if (member == nullptr || !path.runnable) continue;
            if (place == nullptr || (member->reachable() && !place->reachable())) place = member;
        }
        if (place == nullptr) return std::optional<Plan>{};
        inner_first.push_back({.vm = at,
                               .label = record->label,
                               .worker = place->record.id,
                               .worker_name = place->record.name,
                               .verb = Verb::Start});
        if (place->reachable()) break;
        const VmId carrier{place->record.platform};
        if (!place->record.platform.identifies() || !turn.inventory().vm_brief(carrier))
            return std::optional<Plan>{}; // hardware: nobody here can start it
        const auto rows = turn.inventory().instances(carrier);
        if (std::any_of(rows.begin(), rows.end(), [](auto& row) { return is_live(row.state); }))
            break; // it runs, and its agent is awaited
        at = carrier;
    }
    if (inner_first.size() < 2) return std::optional<Plan>{};
    if (!action.stack) {
        return fail(ErrorCode::Conflict,
                    fmt::format("its worker {} is the VM {}, which does not run",
                                inner_first[0].worker_name,
                                inner_first[1].label),
                    fmt::format("ctys start {} --stack", action.target));
    }
    Plan plan{.steps = {inner_first.rbegin(), inner_first.rend()},
              .levels = static_cast<std::uint32_t>(inner_first.size())};
    for (std::uint32_t i = 0; i < plan.steps.size(); ++i) {
        auto& step = plan.steps[i];
        step.level = i;
        if (i > 0) step.after = {i - 1};
        step.until = start_patience * static_cast<Duration::rep>(i + 1);
        plan.critical.push_back(i);
        plan.until = step.until;
    }
    plan.needed = plan.until;
    return std::optional{std::move(plan)};
}

} // namespace ctys::broker
