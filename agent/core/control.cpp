#include "agent/core/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace ctys::agent {

namespace {

constexpr Duration asked_patience = std::chrono::seconds{180}; // UX: shutdown without any deadline
constexpr Duration reset_patience = std::chrono::seconds{30};  // a reboot after its cut

bool is_asked(const Action& action) {
    return action.verb == Verb::Shutdown && !action.force;
}

std::string clock_text(WallTime time) {
    return time.to_rfc3339().substr(11, 8);
}

} // namespace

Status Control::check(const Action& action, const Instance& instance) const {
    const auto& record = instance.record;
    const bool monitor = instance.monitor;
    const bool by_owner = owners_.contains(record.owner);
    switch (action.verb) {
    case Verb::Shutdown:
        if (monitor || by_owner || action.force || descents_.contains(record.key)) return {};
        return fail(ErrorCode::Conflict,
                    fmt::format("cannot be asked: QEMU {} (user {}) has no monitor we may use",
                                record.key.pid,
                                record.user),
                    fmt::format("stop it inside, or cut the power: ctys kill {}", record.label));
    case Verb::Kill:
        return {};
    case Verb::Reboot:
        // It takes several steps, and a monitor that is ours all the while.
        if (!instance.ours) {
            return fail(ErrorCode::Conflict,
                        "only a VM that ctys started can be asked to reboot",
                        fmt::format("reboot it inside, or: ctys reset {}", record.label));
        }
        [[fallthrough]];
    case Verb::Pause:
    case Verb::Resume:
    case Verb::Reset:
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
    case Verb::Suspend:
        break;
    }
    return fail(ErrorCode::Unsupported, fmt::format("{} is not built yet", to_string(action.verb)));
}

bool Control::awaits_monitor(const Action& action, const Instance& instance) const {
    if (!instance.ours || instance.monitor) return false;
    auto later = instance;
    later.monitor = true;
    return !check(action, instance) && check(action, later);
}

std::uint64_t
Control::command(Turn& turn, const InstanceKey& key, Monitor command, ActionId action) {
    const auto number = ++last_number_;
    sent_[number] = Sent{key, action, command};
    turn.then(MonitorCommand{.key = key, .number = number, .command = command});
    return number;
}

void Control::begin(Turn& turn, const Action& action, Instance& instance, Instant asked) {
    const auto& key = instance.record.key;
    works_.begin(turn, action, instance.record.label, key);
    switch (action.verb) {
    case Verb::Shutdown:
    case Verb::Kill:
        return begin_ending(turn, action, instance, asked);
    case Verb::Pause:
        command(turn, key, Monitor::Stop, action.id);
        return;
    case Verb::Resume:
        command(turn, key, Monitor::Cont, action.id);
        return;
    case Verb::Reset:
        command(turn, key, Monitor::Reset, action.id);
        return;
    case Verb::Reboot: {
        Rebooting reboot{.action = action.id, .give_up_at = turn.now().instant + asked_patience};
        if (action.deadline) {
            reboot.cut_at = asked + *action.deadline;
            reboot.give_up_at = std::max(reboot.give_up_at, *reboot.cut_at + reset_patience);
        }
        reboots_[key] = reboot;
        command(turn, key, Monitor::ShutdownPauses, action.id);
        arm_reboot(turn, key, reboot);
        return;
    }
    case Verb::Start:
    case Verb::Scan:
    case Verb::Suspend:
        break;
    }
    CTYS_ASSERT(!"verb was checked");
}

void Control::begin_ending(Turn& turn, const Action& action, Instance& instance, Instant asked) {
    const auto& key = instance.record.key;
    if (descents_.contains(key)) return join(turn, action, instance, asked);
    if (const auto reboot = reboots_.find(key); reboot != reboots_.end()) {
        // The stronger order wins; what the reboot had set would keep the process from ending.
        const auto overtaken = reboot->second.action;
        reboots_.erase(reboot);
        command(turn, key, Monitor::ShutdownPowersOff, {});
        works_.end(turn,
                   overtaken,
                   Outcome{.error = Error{.code = ErrorCode::Conflict,
                                          .message = fmt::format("overtaken by {}", action.id)}});
    }
    auto left = action.deadline;
    if (left) left = std::max(Duration{}, asked + *left - turn.now().instant);
    LadderSettings settings{.ask = is_asked(action),
                            .has_qmp = instance.monitor,
                            .has_guest_agent = instance.has_guest_agent,
                            .is_suspended = instance.record.state == VmState::Suspended,
                            .may_signal = instance.ours || !is_asked(action),
                            .has_owner_command =
                                !instance.ours && owners_.contains(instance.record.owner),
                            .deadline = left,
                            .patience = asked_patience};
    Descent descent{.ladder = Ladder{settings, turn.now().instant},
                    .actions = {action.id},
                    .by = action.id,
                    .deadline = action.deadline,
                    .begun = turn.now().instant};
    if (settings.ask && left && (settings.has_qmp || settings.may_signal))
        announce_cut(turn, instance, action, *left);
    instances_.set_state(
        turn, instance, VmState::Stopping, {}, action.principal.name, {}, action.id);
    descents_.emplace(key, std::move(descent));
    climb(turn, instance);
}

// A second order joins the first. It may bring the cut forward, never put it off; one that does
// not ask cuts at once.
void Control::join(Turn& turn, const Action& action, Instance& instance, Instant asked) {
    auto& descent = descents_.at(instance.record.key);
    const auto now = turn.now().instant;
    descent.actions.push_back(action.id);
    if (!is_asked(action)) {
        descent.by = action.id;
        descent.ladder.allow_signals();
        descent.ladder.cut_now(now);
    } else if (action.deadline && descent.ladder.cut_by(asked + *action.deadline, now)) {
        descent.by = action.id;
        descent.deadline = action.deadline;
        announce_cut(turn, instance, action, std::max(Duration{}, asked + *action.deadline - now));
    }
    climb(turn, instance);
}

void Control::announce_cut(Turn& turn,
                           const Instance& instance,
                           const Action& action,
                           Duration left) {
    Event event{.kind = EventKind::CutAnnounced};
    event.vm = instance.record.vm;
    event.label = instance.record.label;
    event.action = action.id;
    event.by = action.principal.name;
    const auto at = turn.now().wall + left;
    event.text = fmt::format("power is cut at {} unless it ends before", clock_text(at));
    event.data = {{"cut_at", at.to_rfc3339()}};
    turn.emit(std::move(event));
}

void Control::abandon(Turn& turn, Instance& instance) {
    const auto& key = instance.record.key;
    if (descents_.contains(key)) return;
    const LadderSettings settings{.ask = false, .has_qmp = instance.monitor};
    Descent descent{.ladder = Ladder{settings, turn.now().instant}, .begun = turn.now().instant};
    instances_.set_state(turn, instance, VmState::Stopping, {}, {}, "start given up");
    descents_.emplace(key, std::move(descent));
    climb(turn, instance);
}

void Control::climb(Turn& turn, Instance& instance) {
    const auto key = instance.record.key;
    const auto found = descents_.find(key);
    if (found == descents_.end()) return;
    for (const auto rung : found->second.ladder.take()) {
        use(turn, instance, rung, found->second.by);
    }
    const auto state = found->second.ladder.state();
    if (state == Ladder::State::Stuck) {
        return give_up(turn,
                       instance,
                       ErrorCode::Stuck,
                       fmt::format("process {} survives SIGKILL; its lease is kept", key.pid));
    }
    if (state == Ladder::State::GaveUp) {
        return give_up(turn,
                       instance,
                       ErrorCode::TimedOut,
                       fmt::format("it did not end within {} of asking; nothing was cut",
                                   to_short_text(asked_patience)));
    }
    turn.arm({.kind = TimerKind::Ladder, .instance = key}, found->second.ladder.next());
}

void Control::use(Turn& turn, Instance& instance, Rung rung, ActionId action) {
    const auto& key = instance.record.key;
    switch (rung) {
    case Rung::OwnerCommand:
        turn.then(RunOwnerCommand{key, instance.record.owner});
        break;
    case Rung::GuestAgent: // asked through the button until the guest agent channel is built
    case Rung::Button:
        command(turn, key, Monitor::Powerdown, {});
        break;
    case Rung::Wake:
        command(turn, key, Monitor::Wakeup, {});
        break;
    case Rung::Quit:
        command(turn, key, Monitor::Quit, {});
        break;
    case Rung::Sigterm:
        turn.then(SignalProcess{key, SIGTERM});
        break;
    case Rung::Sigkill:
        turn.then(SignalProcess{key, SIGKILL});
        break;
    }
    const auto& descent = descents_.at(key);
    const bool cuts = rung == Rung::Quit || rung == Rung::Sigterm || rung == Rung::Sigkill;
    instance.last_stop =
        cuts && descent.deadline &&
                is_asked(works_.find(action) != nullptr ? works_.find(action)->action : Action{})
            ? fmt::format("power cut at its {} deadline by {}",
                          to_short_text(*descent.deadline),
                          to_string(rung))
            : std::string{to_string(rung)};
    instance.last_action = action;
    Event event{.kind = EventKind::Asked};
    event.vm = instance.record.vm;
    event.label = instance.record.label;
    event.action = action;
    event.by = to_string(rung);
    event.new_state = instance.record.state;
    event.text = instance.last_stop;
    turn.emit(std::move(event));
}

void Control::give_up(Turn& turn, Instance& instance, ErrorCode code, const std::string& why) {
    const auto found = descents_.find(instance.record.key);
    if (found == descents_.end()) return;
    const auto actions = found->second.actions;
    descents_.erase(found);
    for (const auto id : actions) {
        works_.end(turn, id, Outcome{.error = Error{.code = code, .message = why}});
    }
    instance.last_stop.clear();
    if (instance.monitor) {
        command(turn, instance.record.key, Monitor::QueryStatus, {});
    } else {
        instances_.set_state(turn, instance, VmState::Running, {}, {}, why);
    }
}

void Control::cancel(Turn& turn, ActionId action) {
    for (auto& [key, descent] : descents_) {
        if (std::find(descent.actions.begin(), descent.actions.end(), action) ==
            descent.actions.end())
            continue;
        auto* instance = instances_.find(key);
        if (descent.ladder.state() != Ladder::State::Asking || instance == nullptr)
            return; // too late
        return give_up(turn,
                       *instance,
                       ErrorCode::Cancelled,
                       "cancelled; it may still end from the request it was sent");
    }
    for (const auto& [key, reboot] : reboots_) {
        if (reboot.action != action) continue;
        const auto at = key;
        command(turn, at, Monitor::ShutdownPowersOff, {});
        command(turn, at, Monitor::QueryStatus, {});
        reboots_.erase(at);
        return works_.end(
            turn,
            action,
            Outcome{.error = Error{.code = ErrorCode::Cancelled, .message = "cancelled"}});
    }
}

void Control::on_timer(Turn& turn, const InstanceKey& key) {
    auto* instance = instances_.find(key);
    if (instance == nullptr) return;
    if (const auto found = descents_.find(key); found != descents_.end()) {
        found->second.ladder.on_time(turn.now().instant);
        return climb(turn, *instance);
    }
    const auto reboot = reboots_.find(key);
    if (reboot == reboots_.end()) return;
    const bool is_asking = reboot->second.phase != Reboot::Restarting; // else it is reset already
    if (is_asking && reboot->second.cut_at && turn.now().instant >= *reboot->second.cut_at) {
        instance->last_stop = "reset at the deadline of its reboot";
        return advance_reboot(turn, *instance, reboot->second, Reboot::Restarting);
    }
    if (turn.now().instant < reboot->second.give_up_at) {
        // A press may be swallowed: by a boot menu, or by a guest that is not up yet.
        if (reboot->second.phase == Reboot::Asked) command(turn, key, Monitor::Powerdown, {});
        return arm_reboot(turn, key, reboot->second);
    }
    const auto action = reboot->second.action;
    reboots_.erase(reboot);
    command(turn, key, Monitor::ShutdownPowersOff, {});
    command(turn, key, Monitor::QueryStatus, {}); // others may have paused it meanwhile
    works_.end(turn,
               action,
               Outcome{.error = Error{.code = ErrorCode::TimedOut,
                                      .message = "the guest did not end; nothing was cut"}});
}

void Control::arm_reboot(Turn& turn, const InstanceKey& key, const Rebooting& reboot) {
    const bool is_asking = reboot.phase != Reboot::Restarting;
    const auto end = is_asking && reboot.cut_at ? std::min(*reboot.cut_at, reboot.give_up_at)
                                                : reboot.give_up_at;
    turn.arm({.kind = TimerKind::Ladder, .instance = key},
             std::min(end, turn.now().instant + LadderSettings{}.button_again));
}

void Control::advance_reboot(Turn& turn, Instance& instance, Rebooting& reboot, Reboot to) {
    const auto& key = instance.record.key;
    reboot.phase = to;
    if (to == Reboot::Asked) {
        command(turn, key, Monitor::Powerdown, {});
    } else if (to == Reboot::Restarting) {
        command(turn, key, Monitor::Reset, {});
        command(turn, key, Monitor::ShutdownPowersOff, {});
        command(turn, key, Monitor::Cont, reboot.action);
    }
}

void Control::on_reply(Turn& turn, const MonitorReply& reply) {
    const auto sent = sent_.find(reply.number);
    if (sent == sent_.end()) return;
    const auto [key, action, command_sent] = sent->second;
    sent_.erase(sent);
    auto* instance = instances_.find(key);
    if (instance == nullptr) return;
    if (command_sent == Monitor::QueryStatus && !reply.error && !descents_.contains(key)) {
        instances_.set_state(turn, *instance, reply.state, reply.reason);
    }
    if (action.is_none()) return;
    const auto* work = works_.find(action);
    if (work == nullptr) return;
    const auto reboot = reboots_.find(key);
    if (reply.error) {
        if (reboot != reboots_.end() && reboot->second.action == action) reboots_.erase(reboot);
        return works_.end(turn, action, Outcome{.error = reply.error});
    }
    if (reboot != reboots_.end() && reboot->second.action == action) {
        if (command_sent == Monitor::ShutdownPauses) {
            return advance_reboot(turn, *instance, reboot->second, Reboot::Asked);
        }
        if (command_sent != Monitor::Cont) return;
        reboots_.erase(reboot);
        instances_.set_state(turn, *instance, VmState::Running, {}, "guest", "rebooted", action);
        return works_.end(turn, action, Outcome{.text = "rebooted"});
    }
    const auto by = work->action.principal.name;
    if (command_sent == Monitor::Stop)
        instances_.set_state(turn, *instance, VmState::Paused, {}, by, {}, action);
    if (command_sent == Monitor::Cont)
        instances_.set_state(turn, *instance, VmState::Running, {}, by, {}, action);
    works_.end(turn, action, Outcome{.text = std::string{to_string(instance->record.state)}});
}

void Control::on_event(Turn& turn, Instance& instance, const MonitorEvent& event) {
    const auto& key = instance.record.key;
    const auto descent = descents_.find(key);
    const auto reboot = reboots_.find(key);
    switch (event.what) {
    case MonitorEvent::What::Reset: {
        Event reset{.kind = EventKind::Reset};
        reset.vm = instance.record.vm;
        reset.label = instance.record.label;
        reset.by = event.by_guest ? "guest" : "host";
        reset.text = event.reason;
        reset.new_state = instance.record.state;
        turn.emit(std::move(reset));
        if (descent != descents_.end()) {
            descent->second.ladder.on_guest_reset(turn.now().instant);
            climb(turn, instance);
        }
        return;
    }
    case MonitorEvent::What::Shutdown:
        if (reboot != reboots_.end() && reboot->second.phase == Reboot::Asked) {
            return advance_reboot(turn, instance, reboot->second, Reboot::Restarting);
        }
        if (descent == descents_.end()) {
            instances_.set_state(turn,
                                 instance,
                                 VmState::Stopping,
                                 {},
                                 event.by_guest ? "guest" : "host",
                                 event.reason);
        }
        return;
    case MonitorEvent::What::Powerdown:
        return;
    default:
        break;
    }
    if (descent != descents_.end() || reboot != reboots_.end()) return; // its state is ours to say
    switch (event.what) {
    case MonitorEvent::What::Stop:
        return instances_.set_state(turn, instance, VmState::Paused);
    case MonitorEvent::What::Resume:
        return instances_.set_state(turn, instance, VmState::Running);
    case MonitorEvent::What::Suspend:
        return instances_.set_state(turn, instance, VmState::Suspended, {}, "guest");
    case MonitorEvent::What::Wakeup:
        return instances_.set_state(turn, instance, VmState::Running, {}, "guest");
    case MonitorEvent::What::IoError:
        return instances_.set_state(turn, instance, VmState::Paused, "io-error");
    case MonitorEvent::What::Panic:
        return instances_.set_state(turn, instance, VmState::Paused, "panicked", "guest");
    default:
        return;
    }
}

void Control::on_monitor_back(const InstanceKey& key) {
    const auto found = descents_.find(key);
    if (found != descents_.end()) found->second.ladder.on_monitor_back();
}

void Control::on_monitor_lost(const InstanceKey& key) {
    std::erase_if(sent_, [&](const auto& item) {
        return item.second.key == key && item.second.action.is_none();
    });
    if (const auto found = descents_.find(key); found != descents_.end()) {
        found->second.ladder.on_monitor_lost();
    }
}

void Control::on_owner_command(Turn& turn, const OwnerCommandEnded& ended) {
    auto* instance = instances_.find(ended.key);
    if (instance == nullptr || ended.exit_code == 0) return;
    const auto found = descents_.find(ended.key);
    // The power is being cut already: how the asking went is of no account.
    if (found == descents_.end() || found->second.ladder.state() != Ladder::State::Asking) return;
    give_up(
        turn,
        *instance,
        ErrorCode::Failed,
        fmt::format("the command of its owner ended with {}: {}", ended.exit_code, ended.output));
}

void Control::fail_all(Turn& turn, const InstanceKey& key, const Error& error) {
    std::vector<ActionId> open;
    for (const auto& [number, sent] : sent_) {
        if (sent.key == key && !sent.action.is_none()) open.push_back(sent.action);
    }
    std::erase_if(sent_, [&](const auto& item) { return item.second.key == key; });
    if (const auto reboot = reboots_.find(key); reboot != reboots_.end()) {
        open.push_back(reboot->second.action);
        reboots_.erase(reboot);
    }
    for (const auto id : open) {
        works_.end(turn, id, Outcome{.error = error});
    }
}

void Control::on_exit(Turn& turn, const Instance& instance, const Ending& ending) {
    const auto& key = instance.record.key;
    if (const auto found = descents_.find(key); found != descents_.end()) {
        const auto& descent = found->second;
        const auto took = to_short_text(turn.now().instant - descent.begun);
        const bool asked = descent.ladder.state() == Ladder::State::Asking;
        const auto text = asked ? fmt::format("gone after {}", took)
                                : fmt::format("{}, after {}", instance.last_stop, took);
        const auto actions = descent.actions;
        descents_.erase(found);
        for (const auto id : actions) {
            works_.end(turn, id, Outcome{.text = text});
        }
    }
    fail_all(turn,
             key,
             Error{.code = ErrorCode::Failed,
                   .message = fmt::format("the VM ended meanwhile, by {}", to_string(ending.by))});
}

} // namespace ctys::agent
