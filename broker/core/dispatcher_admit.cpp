// What becomes of an order before it is an action: refused, held, or admitted with its worker.

#include "broker/core/dispatcher.h"
#include "broker/core/meant_vm.h"
#include "broker/core/placement.h"
#include "broker/core/rows.h"
#include "broker/core/stack_around.h"
#include "mesh/core/start_options.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

/// Where an order that is no start means: --on, or the w: of its address. Nowhere: none.
/// Errors: those of Roster::require_name, Usage (they name two workers).
Result<std::optional<WorkerId>> require_place(const Roster& roster,
                                              const Address& address,
                                              const std::optional<WorkerId>& named,
                                              const std::string& on) {
    if (on.empty()) return named;
    const auto asked = roster.require_name(on);
    if (!asked) return tl::unexpected(asked.error());
    const auto id = (*asked)->record.id;
    if (named && *named != id) {
        return fail(ErrorCode::Usage,
                    fmt::format("w:{} and {} are two workers", *address.worker, on));
    }
    return id;
}

/// The guest of a changed medium reads what the VM's account may: whoever may name any file of a
/// worker administers it. A plain name is one beside the configuration. Errors: Refused.
Status check_image(const Principal& principal, const Action& action) {
    const bool is_beside = action.image.find('/') == std::string::npos;
    if (action.verb != Verb::ChangeMedium || is_beside) return {};
    if (auto allowed = check_permission(principal, Permission::Administer); !allowed)
        return tl::unexpected(within("with an image elsewhere", allowed.error()));
    return {};
}

/// What goes to the wrapper beside the configuration. Errors: Usage, Refused.
Status check_options(const Principal& principal, const msg::Submit& submit) {
    const auto& action = submit.action;
    if (action.options.empty()) return {};
    if (action.verb != Verb::Start)
        return fail(ErrorCode::Usage, "options for the wrapper belong to a start");
    if (auto known = check_start_options(action.options); !known) return known;
    if (action.stack || !action.like_before.is_none()) {
        return fail(ErrorCode::Usage,
                    "options for the wrapper belong to the start of one VM, not to a plan",
                    "start what carries it before");
    }
    if (!reach_beyond_the_vm(action.options)) return {};
    if (auto allowed = check_permission(principal, Permission::Administer); !allowed)
        return tl::unexpected(within("with options that name files or arguments", allowed.error()));
    return {};
}

} // namespace

void Dispatcher::refuse(Turn& turn, const HeldOrder& order, Error error) {
    // What was refused for lack of rights is worth knowing later (P7).
    if (error.code == ErrorCode::Refused) {
        const auto& action = order.submit.action;
        audit_.on_refused(
            turn,
            order.principal,
            fmt::format("{} {}: {}", to_string(action.verb), action.target, error.message));
    }
    turn.release(order.peer, order.correlation, msg::Failure{std::move(error)});
}

void Dispatcher::on_submit(Turn& turn,
                           const PeerId& peer,
                           std::uint64_t correlation,
                           const Principal& principal,
                           const msg::Submit& submit) {
    HeldOrder order{.peer = peer,
                    .correlation = correlation,
                    .principal = principal,
                    .submit = submit,
                    .since = turn.now().instant,
                    .wait = {}};
    if (auto allowed = check_permission(principal, Permission::Operate); !allowed) {
        return refuse(turn, order, allowed.error());
    }
    if (!submit.action.user.empty()) {
        if (auto allowed = check_permission(principal, Permission::Administer); !allowed)
            return refuse(turn, order, within("as another account", allowed.error()));
    }
    if (auto refused = check_options(principal, submit); !refused)
        return refuse(turn, order, refused.error());
    if (auto refused = check_image(principal, submit.action); !refused)
        return refuse(turn, order, refused.error());
    if (submit.action.id.is_none()) {
        return refuse(
            turn, order, Error{.code = ErrorCode::Malformed, .message = "the action has no id"});
    }
    if (submit.action.expiry > longest_expiry) {
        return refuse(turn,
                      order,
                      Error{.code = ErrorCode::Usage,
                            .message = "an action may wait for its worker for 24 hours at most"});
    }
    if (const auto known = actions_.find(submit.action.id); known != actions_.end()) {
        return turn.release(
            peer,
            correlation,
            msg::Accepted{submit.action.id, known->second.label, {}, "known already"});
    }
    if (held_.repeat(submit.action.id, peer, correlation)) return;
    decide(turn, std::move(order));
}

bool Dispatcher::is_over(const Wait& wait) const {
    if (wait.workers.empty()) return !roster_.is_doubtful();
    return std::any_of(wait.workers.begin(), wait.workers.end(), [&](const WorkerId& id) {
        const auto* member = roster_.find(id);
        const bool is_awaited =
            wait.for_exchange ? roster_.is_settling(id) : roster_.is_awaited(id);
        return !is_awaited || (!wait.for_exchange && member != nullptr && member->reachable());
    });
}

void Dispatcher::decide_held(Turn& turn) {
    if (held_.count() == 0) return;
    for (auto& order : held_.take([&](const HeldOrder& held) { return is_over(held.wait); })) {
        decide(turn, std::move(order));
    }
}

void Dispatcher::decide(Turn& turn, HeldOrder order) {
    if (open_.size() >= most_open) {
        return refuse(turn,
                      order,
                      Error{.code = ErrorCode::Overloaded,
                            .message = fmt::format("{} actions are open already", open_.size())});
    }
    const auto expires = order.since + order.submit.action.expiry;
    if (order.since != turn.now().instant && expires <= turn.now().instant) {
        return refuse(turn,
                      order,
                      Error{.code = ErrorCode::Expired,
                            .message = "it expired while a worker was awaited that has not called "
                                       "since the broker began"});
    }
    ActionRecord record{.action = order.submit.action, .requested = turn.now().wall};
    record.action.principal = order.principal;
    record.action.token = 0;
    auto admitted = admit(turn, record, order.submit);
    if (!admitted) return refuse(turn, order, admitted.error());
    if (admitted->wait) {
        order.wait = std::move(*admitted->wait);
        auto otherwise = order.wait.otherwise;
        const HeldOrder answered{.peer = order.peer,
                                 .correlation = order.correlation,
                                 .principal = {},
                                 .submit = {},
                                 .since = {},
                                 .wait = {}};
        if (!held_.hold(std::move(order))) refuse(turn, answered, std::move(otherwise));
        return;
    }

    if (admitted->plan) return begin_plan(turn, order, std::move(record), *admitted->plan);
    if (record.action.dry_run) {
        // A grace is shown as its own, not as a deadline that was given.
        if (!record.action.always_cut) record.action.deadline = order.submit.action.deadline;
        const auto picture = picture_of(turn, record.action, admitted->answer);
        if (!picture) return refuse(turn, order, picture.error());
        return begin_plan(turn, order, std::move(record), *picture);
    }
    const auto* member = roster_.find(record.action.worker);
    const auto id = record.action.id;
    auto& stored = actions_.emplace(id, std::move(record)).first->second;
    store(turn,
          stored,
          EventKind::ActionRequested,
          fmt::format("{} {}", to_string(stored.action.verb), stored.action.target));
    turn.release(
        order.peer,
        order.correlation,
        msg::Accepted{
            id, stored.label, member != nullptr ? member->record.name : "", admitted->answer});
    if (!admitted->answer.empty()) return end(turn, stored, Outcome{.text = admitted->answer});
    dispatch(turn,
             stored,
             open(stored, Open{.expires = expires, .asked = {}, .saved = turn.now().instant}));
}

/// What an order that was admitted would do, where one order is enough. `answer`: nothing.
Result<Plan>
Dispatcher::picture_of(Turn& turn, const Action& action, const std::string& answer) const {
    Plan plan;
    if (!answer.empty()) {
        plan.notes.push_back(fmt::format("nothing to do: {}", answer));
        return plan;
    }
    if (is_of_stacks(action.verb)) {
        return plans_.picture(
            turn.inventory(),
            turn.index(),
            {.action = action, .targets = {action.vm}, .is_many = false, .self = {}});
    }
    const auto vm = turn.inventory().vm_brief(action.vm);
    PlanStep step{.vm = action.vm,
                  .label = vm ? vm->label : action.vm.to_string(),
                  .worker = action.worker,
                  .worker_name = roster_.name_of(action.worker),
                  .verb = action.verb};
    step.run_level = action.run_level;
    plan.levels = 1;
    if (action.verb == Verb::Start) plan.needed = plan.until = step.until = start_patience;
    plan.steps.push_back(std::move(step));
    const bool keeps = is_suspended_to_disk(turn.inventory().instances(action.vm));
    if (action.verb == Verb::Start && keeps) {
        plan.notes.push_back(fmt::format("{} {}",
                                         plan.steps[0].label,
                                         action.discard_state
                                             ? "boots, and its saved state is thrown away"
                                             : "goes on from its saved state"));
    }
    return plan;
}

void Dispatcher::begin_plan(Turn& turn,
                            const HeldOrder& order,
                            ActionRecord record,
                            const Plan& plan) {
    if (record.action.dry_run) {
        auto shown = plan;
        auto meant = order.submit;
        meant.action.dry_run = false;
        const auto allowed = is_outer_first(record.action.verb)
                                 ? Status{}
                                 : check_asker(turn, meant, record.action.vm);
        if (!allowed) shown.notes.push_back("refused without --yes: " + allowed.error().message);
        send_rows(turn, order.peer, order.correlation, turn.head(), rows_of(record.action, shown));
        return;
    }
    const auto id = record.action.id;
    record.state = ActionState::Running;
    record.action.worker = {};
    auto& stored = actions_.emplace(id, std::move(record)).first->second;
    store(turn,
          stored,
          EventKind::ActionRequested,
          fmt::format("{} {}: {} VM{} on {} level{}",
                      to_string(stored.action.verb),
                      stored.action.target,
                      plan.count_vms(),
                      plan.count_vms() == 1 ? "" : "s",
                      plan.levels,
                      plan.levels == 1 ? "" : "s"));
    open(stored,
         Open{.expires = turn.now().instant,
              .maybe_sent = true,
              .asked = {},
              .saved = turn.now().instant});
    turn.release(order.peer, order.correlation, msg::Accepted{id, stored.label, {}, {}});
    plans_.begin(
        turn, stored.action, stored.label.empty() ? stored.action.target : stored.label, plan);
}

Result<Dispatcher::Admission> Dispatcher::unless_awaited(const WorkerId& worker,
                                                         Error error) const {
    if (!roster_.is_awaited(worker)) return tl::unexpected(std::move(error));
    return Admission{.answer = {},
                     .wait = Wait{.workers = {worker}, .otherwise = std::move(error)}};
}

Result<Dispatcher::Admission> Dispatcher::admit_scan(ActionRecord& record, const Address& address) {
    const auto named = roster_.require_name(address.worker.value_or(address.label.value_or("")));
    if (!named) return tl::unexpected(named.error());
    const auto* member = *named;
    if (!member->reachable()) {
        return unless_awaited(member->record.id,
                              Error{.code = ErrorCode::Unreachable,
                                    .message = fmt::format("{} is {}",
                                                           member->record.name,
                                                           to_string(member->record.state))});
    }
    record.action.worker = member->record.id;
    record.label = member->record.name;
    return Admission{};
}

Result<Dispatcher::Admission>
Dispatcher::admit(Turn& turn, ActionRecord& record, const msg::Submit& submit) {
    if (auto able = check_run_level(record.action); !able) return tl::unexpected(able.error());
    if (auto named = check_arguments(record.action); !named) return tl::unexpected(named.error());
    if (record.action.dry_run && record.action.verb == Verb::Scan)
        return fail(ErrorCode::Unsupported, "a scan is not rehearsed");
    if (!record.action.like_before.is_none() && record.action.verb == Verb::Start) {
        auto plan = plans_.like_before(record.action.like_before);
        if (!plan) return tl::unexpected(plan.error());
        record.label = record.action.target;
        return admit_rise(std::move(*plan));
    }
    if (record.action.target == "*") return admit_many(turn, record, submit, std::nullopt);
    auto address = Address::parse(record.action.target);
    if (!address) return tl::unexpected(address.error());
    if (record.action.verb == Verb::Scan) return admit_scan(record, *address);
    if (!address->names_a_vm() && address->worker && is_of_stacks(record.action.verb)) {
        const auto worker = roster_.require_worker(address->worker);
        if (!worker) return tl::unexpected(worker.error());
        return admit_many(turn, record, submit, *worker);
    }
    if (!address->names_a_vm()) {
        return fail(ErrorCode::Usage, fmt::format("\"{}\" names no VM", record.action.target));
    }
    const auto named = roster_.require_worker(address->worker);
    if (!named) return tl::unexpected(named.error());
    if (record.action.verb == Verb::Resume) {
        // What is suspended to disk goes on by being started.
        const auto vm = require_vm(turn.inventory(), roster_, record.action, *address, *named);
        if (vm && is_suspended_to_disk(turn.inventory().instances((*vm)->id)))
            record.action.verb = Verb::Start;
    }
    const bool starts = record.action.verb == Verb::Start;
    const auto place = require_place(roster_, *address, *named, starts ? std::string{} : submit.on);
    if (!place) return tl::unexpected(place.error());
    // What runs is asked where it runs; a start only needs a path to the VM there.
    const auto meant =
        !starts && *place
            ? require_vm_on(turn.inventory(), roster_, record.action, *address, **place)
            : require_vm(turn.inventory(), roster_, record.action, *address, *named);
    if (!meant) return tl::unexpected(meant.error());
    const auto& vm = **meant;
    record.action.vm = vm.id;
    record.label = vm.label;
    if (record.action.verb == Verb::Init) return admit_init(turn, record, vm);
    // Only what asks a VM to end for good cuts it at its own deadline unasked; where it is given
    // another already, this order joins that.
    const bool may_cut = record.action.verb == Verb::Shutdown && !record.action.run_level &&
                         !is_given_deadline(vm.id) && !plans_.gives_deadline(vm.id);
    if (!record.action.deadline && may_cut) record.action.deadline = vm.grace;
    if (record.action.always_cut && !submit.action.deadline)
        record.action.deadline = std::chrono::seconds{20};
    if (starts) {
        const auto on = submit.on.empty() && *named ? (*named)->to_string() : submit.on;
        // Who throws the saved state away wants another boot.
        const bool is_plain = !record.action.discard_state && record.action.options.empty();
        if (auto plan = plan_waking(turn, vm); plan && on.empty() && is_plain)
            return admit_rise(std::move(*plan));
        auto admitted = admit_start(turn, record, on, vm);
        if (admitted || admitted.error().code != ErrorCode::Unreachable) return admitted;
        auto plan = plan_start(turn, record.action, vm);
        if (!plan) return tl::unexpected(plan.error());
        if (!*plan) return admitted;
        return admit_rise(std::move(**plan));
    }
    return admit_other(turn, record, submit, vm, *place);
}

Status Dispatcher::check_copy(const Turn& turn,
                              const VmRecord& copy,
                              const std::vector<PathRecord>& paths) const {
    const auto original = turn.inventory().vm_brief(copy.copy_of);
    const auto name =
        fmt::format("{} (u:{})", original ? original->label : std::string{"a VM"}, copy.copy_of);
    const bool is_backup = std::any_of(paths.begin(), paths.end(), [](const PathRecord& path) {
        return equals_ignoring_case(path.vmstate, "BACKUP");
    });
    if (!is_backup) {
        return fail(
            ErrorCode::Conflict,
            fmt::format("it is a copy of {} on other storage: one UUID, one MAC address", name),
            "give it a UUID of its own, or mark it: #@#VMSTATE=\"BACKUP\"");
    }
    // A backup may stand in for its original, never beside it.
    const auto instances = turn.inventory().instances(copy.copy_of);
    const bool runs = std::any_of(
        instances.begin(), instances.end(), [](const auto& row) { return is_live(row.state); });
    if (runs || leases_.find(copy.copy_of) != nullptr) {
        return fail(ErrorCode::Conflict,
                    fmt::format("it is a backup of {}, which runs or may run", name),
                    fmt::format("ctys shutdown u:{}", copy.copy_of));
    }
    return {};
}

Result<Dispatcher::Admission>
Dispatcher::admit_start(Turn& turn, ActionRecord& record, std::string_view on, const VmRecord& vm) {
    if (roster_.is_doubtful()) {
        return Admission{.answer = {},
                         .wait = Wait{.workers = {},
                                      .for_exchange = true,
                                      .otherwise = {.code = ErrorCode::Unreachable,
                                                    .message = "the journal was put back from a "
                                                               "backup, and its workers have not "
                                                               "all told yet what they run"}}};
    }
    const auto instances = turn.inventory().instances(vm.id);
    if (record.action.if_running != IfRunning::Refuse) {
        const auto live = require_live(vm, instances);
        const auto* member = live ? roster_.find(live->worker) : nullptr;
        if (live && live->state != VmState::Starting && member != nullptr && member->reachable() &&
            !roster_.is_settling(live->worker)) {
            record.action.worker = live->worker;
            return Admission{.answer = fmt::format("runs already (pid {})", live->key.pid),
                             .wait = {}};
        }
        if (record.action.if_running == IfRunning::Connect && !live)
            return tl::unexpected(live.error());
    }
    const auto* lease = leases_.find(vm.id);
    if (auto free = check_free(vm, instances, lease, roster_); !free) {
        auto awaited = settling_holders(instances, lease, roster_);
        if (awaited.empty()) return tl::unexpected(free.error());
        return Admission{.answer = {},
                         .wait = Wait{.workers = std::move(awaited),
                                      .for_exchange = true,
                                      .otherwise = free.error()}};
    }
    const auto paths = turn.inventory().paths(vm.id);
    if (!vm.copy_of.is_none()) {
        if (auto decided = check_copy(turn, vm, paths); !decided)
            return tl::unexpected(decided.error());
    }
    auto path = choose_path(vm, paths, roster_, on);
    if (!path) {
        auto awaited = settling_among(paths, roster_, on);
        if (awaited.empty()) return tl::unexpected(path.error());
        return Admission{.answer = {},
                         .wait = Wait{.workers = std::move(awaited),
                                      .for_exchange = true,
                                      .otherwise = path.error()}};
    }
    record.action.worker = path->worker;
    record.action.config = path->config;
    if (record.action.dry_run) return Admission{}; // reserving it would begin it
    record.action.token = leases_.reserve(turn, vm.id, path->worker, record.action.id).token;
    return Admission{};
}

/// However deep inside the VM somebody sits, and however it would end or stand still.
Status Dispatcher::check_asker(Turn& turn, const msg::Submit& submit, const VmId& target) const {
    const auto verb = submit.action.verb;
    const bool is_harmless = submit.action.dry_run || verb == Verb::Resume || is_of_media(verb) ||
                             verb == Verb::SaveSnapshot || verb == Verb::DeleteSnapshot;
    if (is_harmless || submit.yes) return {};
    std::vector<VmId> own;
    if (submit.platform.identifies()) {
        own.emplace_back(VmId{submit.platform});
        for (const auto& copy : turn.index().copies_of(own.front())) {
            own.push_back(copy); // its firmware shows the same UUID
        }
    }
    // Who may not read his firmware is known by the kernel that he shares with an agent.
    for (const auto& [id, member] : roster_.members()) {
        const auto& machine = member.record;
        if (!submit.boot.is_none() && machine.boot == submit.boot && machine.platform.identifies())
            own.emplace_back(VmId{machine.platform});
    }
    if (own.empty()) return {};
    const auto around = stack_around(turn.inventory(), turn.index(), roster_, own);
    const bool is_own = std::any_of(own.begin(), own.end(), [&](const VmId& vm) {
        const auto carriers = around.carriers_of(vm);
        return vm == target ||
               std::find(carriers.begin(), carriers.end(), target) != carriers.end();
    });
    if (!is_own) return {};
    return fail(ErrorCode::Conflict,
                "it carries the machine on which this was asked",
                "--yes, and go on watching from outside");
}

Status Dispatcher::check_revert(Turn& turn, const msg::Submit& submit, const VmId& target) const {
    if (submit.action.verb != Verb::RevertSnapshot || submit.yes) return {};
    const auto around = stack_around(turn.inventory(), turn.index(), roster_, {target});
    const auto inside = around.all_inside(target);
    if (inside.empty()) {
        // What ran inside at that time runs again then, whatever runs elsewhere by now.
        const auto& members = roster_.members();
        const bool has_agent = std::any_of(members.begin(), members.end(), [&](const auto& each) {
            return VmId{each.second.record.platform} == target;
        });
        if (!has_agent) return {};
        return fail(ErrorCode::Conflict,
                    "it has an agent: VMs that ran inside when it was saved run again, also those "
                    "that run elsewhere by now",
                    fmt::format("ctys stack {}; if none does: --yes", submit.action.target));
    }
    return fail(ErrorCode::Conflict,
                fmt::format("it carries {} VM{}, which end{} as by a reset",
                            inside.size(),
                            inside.size() == 1 ? "" : "s",
                            inside.size() == 1 ? "s" : ""),
                fmt::format("end them before: ctys stack {}; or all the same: --yes",
                            submit.action.target));
}

Result<Dispatcher::Admission> Dispatcher::admit_other(Turn& turn,
                                                      ActionRecord& record,
                                                      const msg::Submit& submit,
                                                      const VmRecord& vm,
                                                      const std::optional<WorkerId>& place) {
    auto instances = turn.inventory().instances(vm.id);
    if (place) {
        auto there = instances_on(*place, vm, instances, roster_);
        if (!there) return tl::unexpected(there.error());
        instances = std::move(*there);
    }
    if (record.action.verb == Verb::Resume) {
        if (auto plan = plan_waking(turn, vm)) return admit_rise(std::move(*plan));
    }
    const auto live = require_live(vm, instances);
    if (!live) return tl::unexpected(live.error());
    const auto* member = roster_.find(live->worker);
    if (member == nullptr || !member->reachable()) {
        return unless_awaited(live->worker, away(live->worker, roster_));
    }
    if (auto allowed = check_asker(turn, submit, vm.id); !allowed)
        return tl::unexpected(allowed.error());
    if (auto allowed = check_revert(turn, submit, vm.id); !allowed)
        return tl::unexpected(allowed.error());
    record.action.worker = live->worker;
    record.action.instance = live->key;
    if (is_of_stacks(record.action.verb) && !record.action.force) {
        auto wanted = record.action;
        // A grace is a VM's own; the deadline of a stack is one that was given.
        if (!record.action.always_cut) wanted.deadline = submit.action.deadline;
        auto plan =
            plans_.consider(turn.inventory(),
                            turn.index(),
                            {.action = wanted, .targets = {vm.id}, .is_many = false, .self = {}});
        if (!plan) return tl::unexpected(plan.error());
        if (*plan) {
            // Nothing to do is no answer while another plan has to do with it.
            const auto allowed =
                (*plan)->steps.empty() ? plans_.allows(wanted.verb, vm.id) : Status{};
            if (!allowed) return tl::unexpected(allowed.error());
            record.action = std::move(wanted);
            return admit_plan(record.action, std::move(**plan));
        }
    }
    if (auto allowed = plans_.allows(record.action.verb, vm.id); !allowed)
        return tl::unexpected(allowed.error());
    if (!record.action.dry_run) return Admission{};
    // Its agent would refuse it.
    if (auto able = check_one(record.action, turn.inventory(), vm.id, live->worker); !able)
        return tl::unexpected(able.error());
    return Admission{};
}

} // namespace ctys::broker
