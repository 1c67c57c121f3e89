#include "mesh/core/order_check.h"

#include <fmt/format.h>

namespace ctys {

namespace {

constexpr std::string_view panicked = "panicked";

// A VM whose CPUs stand while its state is saved, or is on disk already, is let run by nobody else.
Status check_saved_state(const Action& action, const Addressee& vm) {
    if (action.verb == Verb::Kill) return {};
    if (vm.reason == reason::suspending)
        return fail(ErrorCode::Conflict, "it is being suspended to disk", "ctys actions");
    if (vm.reason == reason::saved) {
        return fail(ErrorCode::Conflict,
                    "its state is on disk, and its process is about to end",
                    fmt::format("ctys kill {}", vm.label));
    }
    const bool saves = action.verb == Verb::Suspend || action.verb == Verb::SaveSnapshot;
    if (saves && vm.state == VmState::Suspended)
        return fail(ErrorCode::Conflict, "its guest sleeps; wake it first");
    return {};
}

// A guest whose CPUs stand hears no power button. A plan lets it run first: what carries it goes
// down anyhow. Somebody who asks for this VM alone may have paused it so that it does not run.
Status check_hearing(const Action& action, const Addressee& vm) {
    const bool hears = vm.state != VmState::Paused || action.verb == Verb::Suspend;
    if (hears || action.always_cut) return {};
    if (vm.reason == panicked) {
        if (action.deadline) return {}; // it is cut then
        return fail(
            ErrorCode::Conflict,
            "its guest has panicked and hears no power button",
            fmt::format("ctys {} {}", action.verb == Verb::Reboot ? "reset" : "kill", vm.label));
    }
    if (!action.plan.is_none() && vm.monitor) return {};
    const auto why = vm.reason.empty() ? std::string{} : fmt::format(" ({})", vm.reason);
    return fail(
        ErrorCode::Conflict,
        fmt::format("it is paused{}: its guest hears no power button", why),
        vm.monitor
            ? fmt::format("ctys resume {0}, then ask again (or cut the power: ctys kill {0})",
                          vm.label)
            : fmt::format("ctys kill {}", vm.label));
}

Status check_asking(const Action& action, const Addressee& vm) {
    if (action.force || vm.is_ending) return {};
    if (auto hears = check_hearing(action, vm); !hears) return hears;
    if (vm.monitor) return {};
    if (vm.by_owner) return vm.owner_refusal ? tl::unexpected(*vm.owner_refusal) : Status{};
    return fail(ErrorCode::Conflict,
                fmt::format("cannot be asked: QEMU {} (user {}) has no monitor we may use",
                            vm.pid,
                            vm.user),
                fmt::format("stop it inside, or cut the power: ctys kill {}", vm.label));
}

// Its agent may be away all the same; that shows when it is asked.
Status check_guest_agent(const Action& action, const Addressee& vm) {
    if (vm.ours && vm.guest_agent) return {};
    return fail(
        ErrorCode::Unsupported,
        fmt::format("run level {} is entered by an agent inside, and there is none: {} is "
                    "no worker, and runs without GUESTAGENT=yes",
                    action.run_level.value_or(0),
                    vm.label),
        fmt::format("ctys init 0 {0} ends the guest, ctys init 6 {0} reboots it", vm.label));
}

/// What can be done to a VM that cannot be suspended.
std::string instead_of_suspending(const Addressee& vm) {
    return fmt::format("ctys {} {}", vm.monitor ? "pause" : "show", vm.label);
}

} // namespace

Addressee addressee_of(const InstanceRecord& instance) {
    Addressee vm{.label = instance.label,
                 .pid = instance.key.pid,
                 .user = instance.user,
                 .state = instance.state,
                 .reason = instance.reason};
    vm.ours = instance.managed && instance.owner == Owner::Ctys;
    vm.by_owner = has_commands(instance.owner);
    vm.monitor = vm.ours || (instance.can_ask && !vm.by_owner);
    if (vm.by_owner && !instance.can_ask) {
        vm.owner_refusal =
            Error{.code = ErrorCode::Conflict,
                  .message = instance.note.empty() ? "cannot be asked now" : instance.note,
                  .evidence = {},
                  .try_next = fmt::format("stop it inside, or cut the power: ctys kill {}",
                                          instance.label)};
    }
    vm.is_ending = instance.state == VmState::Stopping;
    vm.guest_agent = instance.guest_agent || (vm.ours && !instance.can_ask);
    return vm;
}

Status check_order(const Action& action, const Addressee& vm) {
    if (auto free = check_saved_state(action, vm); !free) return free;
    switch (action.verb) {
    case Verb::Shutdown:
        return check_asking(action, vm);
    case Verb::Kill:
        return {};
    case Verb::Reboot:
    case Verb::Suspend:
        // It takes several steps, and a monitor that is ours all the while.
        if (auto hears = check_hearing(action, vm); vm.ours && !hears) return hears;
        if (!vm.ours) {
            return fail(ErrorCode::Conflict,
                        fmt::format("only a VM that ctys started can be asked to {}",
                                    to_string(action.verb)),
                        action.verb == Verb::Suspend
                            ? instead_of_suspending(vm)
                            : fmt::format("reboot it inside, or: ctys reset {}", vm.label));
        }
        [[fallthrough]];
    case Verb::Eject:
    case Verb::ChangeMedium:
    case Verb::SaveSnapshot:
    case Verb::RevertSnapshot:
    case Verb::DeleteSnapshot:
        if (!vm.ours)
            return fail(ErrorCode::Conflict,
                        is_of_media(action.verb)
                            ? "only media of a VM that ctys started are changed"
                            : "only a VM that ctys started has snapshots here",
                        fmt::format("ctys show {}", vm.label));
        [[fallthrough]];
    case Verb::Pause:
    case Verb::Resume:
    case Verb::Reset:
        // It stands until its start was confirmed, and its start lets it run.
        if (vm.ours && vm.state == VmState::Starting)
            return fail(ErrorCode::Conflict, "it is being started", "ctys actions");
        if (vm.is_ending || vm.is_rebooting)
            return fail(ErrorCode::Conflict, "it is being stopped or rebooted", "ctys actions");
        if (vm.monitor) return {};
        return fail(ErrorCode::Conflict,
                    fmt::format("QEMU {} (user {}) has no monitor we may use", vm.pid, vm.user),
                    fmt::format("ctys show {} says what can be done", vm.label));
    case Verb::Init:
        if (auto able = check_guest_agent(action, vm); !able) return able;
        if (vm.is_ending || vm.is_rebooting)
            return fail(ErrorCode::Conflict, "it is being stopped or rebooted", "ctys actions");
        if (vm.state == VmState::Running && vm.monitor) return {};
        return fail(ErrorCode::Conflict,
                    fmt::format("its guest hears nothing: it is {}", to_string(vm.state)),
                    fmt::format("ctys show {}", vm.label));
    case Verb::Start:
    case Verb::Scan:
        break;
    }
    return fail(ErrorCode::Unsupported, fmt::format("{} is not built yet", to_string(action.verb)));
}

bool has_panicked(const InstanceRecord& instance) {
    return instance.reason == panicked;
}

} // namespace ctys
