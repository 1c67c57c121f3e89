// What is refused before it is begun.

#include "agent/core/control.h"

#include <fmt/format.h>

namespace ctys::agent {

Status Control::check(const Action& action, const Instance& instance) const {
    const auto& record = instance.record;
    const bool monitor = instance.monitor;
    if (auto free = check_saved_state(action, instance); !free) return free;
    switch (action.verb) {
    case Verb::Shutdown:
        if (action.force || descents_.contains(record.key)) return {};
        if (auto hears = check_hearing(action, instance); !hears) return hears;
        if (monitor) return {};
        if (has_commands(record.owner)) {
            const auto call = owner_call(owners_, record, instance.handle, asked_patience);
            return call ? Status{} : tl::unexpected(call.error());
        }
        return fail(ErrorCode::Conflict,
                    fmt::format("cannot be asked: QEMU {} (user {}) has no monitor we may use",
                                record.key.pid,
                                record.user),
                    fmt::format("stop it inside, or cut the power: ctys kill {}", record.label));
    case Verb::Kill:
        return {};
    case Verb::Reboot:
    case Verb::Suspend:
        // It takes several steps, and a monitor that is ours all the while.
        if (auto hears = check_hearing(action, instance); instance.ours && !hears) return hears;
        if (!instance.ours) {
            return fail(ErrorCode::Conflict,
                        fmt::format("only a VM that ctys started can be asked to {}",
                                    to_string(action.verb)),
                        action.verb == Verb::Suspend
                            ? fmt::format("ctys pause {}", record.label)
                            : fmt::format("reboot it inside, or: ctys reset {}", record.label));
        }
        [[fallthrough]];
    case Verb::Pause:
    case Verb::Resume:
    case Verb::Reset:
        // It stands until its start was confirmed, and its start lets it run.
        if (instance.ours && record.state == VmState::Starting)
            return fail(ErrorCode::Conflict, "it is being started", "ctys actions");
        if (descents_.contains(record.key) || reboots_.contains(record.key)) {
            return fail(ErrorCode::Conflict, "it is being stopped or rebooted", "ctys actions");
        }
        if (monitor) return {};
        return fail(ErrorCode::Conflict,
                    fmt::format("QEMU {} (user {}) has no monitor we may use",
                                record.key.pid,
                                record.user));
    case Verb::Start:
    case Verb::Scan:
    case Verb::Init:
        break;
    }
    return fail(ErrorCode::Unsupported, fmt::format("{} is not built yet", to_string(action.verb)));
}

// A guest whose CPUs stand hears no power button. A plan lets it run first: what carries it goes
// down anyhow. Somebody who asks for this VM alone may have paused it so that it does not run.
Status Control::check_hearing(const Action& action, const Instance& instance) const {
    const auto& record = instance.record;
    const bool hears = record.state != VmState::Paused || action.verb == Verb::Suspend;
    if (hears || action.always_cut) return {};
    if (has_panicked(record)) {
        if (action.deadline) return {}; // it is cut then
        return fail(ErrorCode::Conflict,
                    "its guest has panicked and hears no power button",
                    fmt::format("ctys {} {}",
                                action.verb == Verb::Reboot ? "reset" : "kill",
                                record.label));
    }
    if (!action.plan.is_none() && instance.monitor) return {};
    const auto why = record.reason.empty() ? std::string{} : fmt::format(" ({})", record.reason);
    return fail(
        ErrorCode::Conflict,
        fmt::format("it is paused{}: its guest hears no power button", why),
        instance.monitor
            ? fmt::format("ctys resume {0}, then ask again (or cut the power: ctys kill {0})",
                          record.label)
            : fmt::format("ctys kill {}", record.label));
}

// A VM whose CPUs stand while its state is saved, or is on disk already, is let run by nobody else.
Status Control::check_saved_state(const Action& action, const Instance& instance) const {
    const auto& record = instance.record;
    if (action.verb == Verb::Kill) return {};
    if (reserved_.contains(record.key) || record.reason == reason::suspending)
        return fail(ErrorCode::Conflict, "it is being suspended to disk", "ctys actions");
    if (record.reason == reason::saved) {
        return fail(ErrorCode::Conflict,
                    "its state is on disk, and its process is about to end",
                    fmt::format("ctys kill {}", record.label));
    }
    if (action.verb == Verb::Suspend && record.state == VmState::Suspended)
        return fail(ErrorCode::Conflict, "its guest sleeps; wake it first");
    return {};
}

bool Control::awaits_monitor(const Action& action, const Instance& instance) const {
    if (!instance.ours || instance.monitor) return false;
    auto later = instance;
    later.monitor = true;
    return !check(action, instance) && check(action, later);
}

} // namespace ctys::agent
