#include "agent/core/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace ctys::agent {

namespace {

constexpr Duration reset_patience = std::chrono::seconds{30}; // a reboot after its cut

bool is_asked(const Action& action) {
    return action.verb == Verb::Shutdown && !action.force;
}

std::string clock_text(WallTime time) {
    return time.to_rfc3339().substr(11, 8);
}

} // namespace

std::uint64_t Control::command(
    Turn& turn, const InstanceKey& key, Monitor command, ActionId action, StateJob job) {
    const auto number = next_number();
    sent_[number] = Sent{key, action, command};
    turn.then(
        MonitorCommand{.key = key, .number = number, .command = command, .job = std::move(job)});
    return number;
}

void Control::begin(Turn& turn, const Action& action, Instance& instance, Instant asked) {
    const auto& key = instance.record.key;
    works_.begin(turn, action, instance.record.label, key);
    if (is_asked(action) || action.verb == Verb::Reboot) let_hear(turn, action, instance);
    switch (action.verb) {
    case Verb::Shutdown:
    case Verb::Kill:
        return begin_ending(turn,
                            instance,
                            Order{.action = action.id,
                                  .ask = is_asked(action),
                                  .deadline = action.deadline,
                                  .asked = asked,
                                  .by = action.principal.name,
                                  .why = {}});
    case Verb::Pause:
        command(turn, key, Monitor::Stop, action.id);
        return;
    case Verb::Resume:
        command(turn, key, Monitor::Cont, action.id);
        return;
    case Verb::Reset:
        command(turn, key, Monitor::Reset, action.id);
        return;
    case Verb::Init:
        return enter_run_level(turn, action, instance);
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
    case Verb::Eject:
    case Verb::ChangeMedium:
    case Verb::SaveSnapshot:
    case Verb::RevertSnapshot:
    case Verb::DeleteSnapshot:
        break;
    }
    CTYS_ASSERT(false && "verb was checked");
}

void Control::let_hear(Turn& turn, const Action& action, const Instance& instance) {
    const auto& record = instance.record;
    const bool stands = record.state == VmState::Paused && !has_panicked(record);
    if (!stands || action.plan.is_none() || !instance.monitor) return;
    works_.progress(turn,
                    *works_.find(action.id),
                    "it stood paused, and is resumed: its guest would hear no power button");
    command(turn, record.key, Monitor::Cont, {});
}

void Control::overtake_reboot(Turn& turn, const InstanceKey& key, const std::string& by) {
    const auto reboot = reboots_.find(key);
    if (reboot == reboots_.end()) return;
    // The stronger order wins; what the reboot had set would keep the process from ending.
    const auto overtaken = reboot->second.action;
    reboots_.erase(reboot);
    command(turn, key, Monitor::ShutdownPowersOff, {});
    works_.end(turn,
               overtaken,
               Outcome{.error = Error{.code = ErrorCode::Conflict,
                                      .message = fmt::format("overtaken by {}", by)}});
}

void Control::begin_ending(Turn& turn, Instance& instance, const Order& order) {
    const auto& key = instance.record.key;
    if (descents_.contains(key)) return join(turn, instance, order);
    overtake_reboot(turn, key, order.action.is_none() ? order.why : order.action.to_string());
    auto left = order.deadline;
    if (left) left = std::max(Duration{}, order.asked + *left - turn.now().instant);
    LadderSettings settings{.ask = order.ask,
                            .has_qmp = instance.monitor,
                            .has_guest_agent = instance.record.guest_agent,
                            .is_suspended = instance.record.state == VmState::Suspended,
                            .may_signal = instance.ours || order.may_signal(),
                            .has_owner_command = is_asked_by_owner(instance),
                            .deadline = left,
                            .patience = asked_patience};
    Descent descent{.ladder = Ladder{settings, turn.now().instant},
                    .orders = {order},
                    .by = order.action,
                    .asks = order.ask,
                    .deadline = order.deadline,
                    .begun = turn.now().instant};
    if (settings.ask && left && (settings.has_qmp || settings.may_signal))
        announce_cut(turn, instance, order, descent.ladder.cut_at());
    instances_.set_state(turn, instance, VmState::Stopping, {}, order.by, order.why, order.action);
    descents_.emplace(key, std::move(descent));
    climb(turn, instance);
}

// A second order joins the first. It may bring the cut forward, never put it off; one that does
// not ask cuts at once. Each that waits is told when the power is cut.
void Control::join(Turn& turn, Instance& instance, const Order& order) {
    auto& descent = descents_.at(instance.record.key);
    const auto now = turn.now().instant;
    descent.orders.push_back(order);
    if (order.may_signal()) descent.ladder.allow_signals(true);
    if (!order.ask) {
        descent.by = order.action;
        descent.asks = false;
        descent.ladder.cut_now(now);
        return climb(turn, instance);
    }
    const auto own = order.cut_at();
    if (own && descent.ladder.cut_by(*own, now)) {
        descent.by = order.action;
        descent.asks = true;
        descent.deadline = order.deadline;
        for (const auto& each : descent.orders) {
            announce_cut(turn, instance, each, own);
        }
    } else if (descent.ladder.state() == Ladder::State::Asking && descent.ladder.cut_at()) {
        announce_cut(turn, instance, order, descent.ladder.cut_at());
    }
    climb(turn, instance);
}

bool Control::Descent::for_host() const {
    return std::any_of(
        orders.begin(), orders.end(), [](const Order& each) { return each.action.is_none(); });
}

std::vector<ActionId> Control::Descent::actions() const {
    std::vector<ActionId> ids;
    for (const auto& each : orders) {
        if (!each.action.is_none()) ids.push_back(each.action);
    }
    return ids;
}

std::string Control::still_asked_by(const Order& order) {
    if (order.action.is_none()) return "cancelled; it ends with its host all the same";
    return fmt::format("cancelled; {} by {} asks it to end all the same", order.action, order.by);
}

/// Others ask it to end, too: they go on, by their own deadlines.
void Control::leave(Turn& turn, Instance& instance, Descent& descent, ActionId action) {
    const auto is_its = [&](const Order& each) { return each.action == action; };
    std::erase_if(descent.orders, is_its);
    const auto& first = descent.orders.front();
    works_.end(
        turn,
        action,
        Outcome{.error = Error{.code = ErrorCode::Cancelled, .message = still_asked_by(first)}});
    const auto before = descent.ladder.cut_at();
    const auto* by = &first;
    for (const auto& each : descent.orders) {
        const auto at = each.cut_at();
        if (at && (!by->cut_at() || *at < *by->cut_at())) by = &each;
    }
    descent.by = by->action;
    descent.deadline = by->deadline;
    descent.ladder.allow_signals(instance.ours ||
                                 std::any_of(descent.orders.begin(),
                                             descent.orders.end(),
                                             [](const Order& each) { return each.may_signal(); }));
    descent.ladder.move_cut(by->cut_at(), turn.now().instant);
    if (by->cut_at() != before) {
        for (const auto& each : descent.orders) {
            announce_cut(turn, instance, each, by->cut_at());
        }
    }
    climb(turn, instance);
}

void Control::end_for_host(Turn& turn, Instance& instance, bool ask, Duration deadline) {
    const auto& record = instance.record;
    // A guest that stands hears no button.
    const bool wakes = record.state == VmState::Paused && instance.monitor && ask;
    if (wakes && !is_ending(record.key)) command(turn, record.key, Monitor::Cont, {});
    host_failures_.erase(record.key);
    begin_ending(turn,
                 instance,
                 Order{.action = {},
                       .ask = ask,
                       .deadline = ask ? std::optional{deadline} : std::nullopt,
                       .asked = turn.now().instant,
                       .by = "host",
                       .why = "host stops"});
}

std::optional<Error> Control::take_host_failure(const InstanceKey& key) {
    const auto found = host_failures_.find(key);
    if (found == host_failures_.end()) return std::nullopt;
    auto error = std::move(found->second);
    host_failures_.erase(found);
    return error;
}

std::optional<Instant> Control::cut_at(const InstanceKey& key) const {
    const auto found = descents_.find(key);
    if (found == descents_.end() || found->second.ladder.state() != Ladder::State::Asking)
        return std::nullopt;
    return found->second.ladder.cut_at();
}

void Control::announce_cut(Turn& turn,
                           const Instance& instance,
                           const Order& order,
                           std::optional<Instant> cut_at) {
    Event event{.kind = EventKind::CutAnnounced};
    event.vm = instance.record.vm;
    event.label = instance.record.label;
    event.action = order.action;
    event.by = order.by;
    event.text = "its power is not cut any more: who wanted that has cancelled it";
    if (cut_at) {
        const auto at = turn.now().wall + std::max(Duration{}, *cut_at - turn.now().instant);
        event.text = fmt::format("power is cut at {} unless it ends before", clock_text(at));
        event.data = {{"cut_at", at.to_rfc3339()}};
    }
    turn.emit(std::move(event));
}

void Control::abandon(Turn& turn, Instance& instance, std::string why) {
    const auto& key = instance.record.key;
    if (descents_.contains(key)) return;
    const LadderSettings settings{.ask = false, .has_qmp = instance.monitor};
    Descent descent{
        .ladder = Ladder{settings, turn.now().instant}, .asks = false, .begun = turn.now().instant};
    instances_.set_state(turn, instance, VmState::Stopping, {}, {}, std::move(why));
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
                                   to_short_text(found->second.deadline.value_or(asked_patience))));
    }
    turn.arm({.kind = TimerKind::Ladder, .instance = key}, found->second.ladder.next());
}

void Control::use(Turn& turn, Instance& instance, Rung rung, ActionId action) {
    const auto& key = instance.record.key;
    auto& descent = descents_.at(key);
    std::optional<std::string> owner_command;
    switch (rung) {
    case Rung::OwnerCommand:
        owner_command = ask_owner(turn, instance);
        if (!owner_command) return;
        break;
    case Rung::GuestAgent:
        descent.guest_question = ask_guest(turn, {.key = key});
        break;
    case Rung::Button:
        descent.guest_question = 0; // whatever becomes of that now
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
    const bool cuts = rung == Rung::Quit || rung == Rung::Sigterm || rung == Rung::Sigkill;
    instance.last_stop = cuts && descent.deadline && descent.asks
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
    event.text = instance.last_stop + std::exchange(descent.guest_refusal, {});
    if (owner_command) event.data = {{"command", std::move(*owner_command)}};
    turn.emit(std::move(event));
}

void Control::give_up(Turn& turn, Instance& instance, ErrorCode code, const std::string& why) {
    const auto found = descents_.find(instance.record.key);
    if (found == descents_.end()) return;
    const auto actions = found->second.actions();
    if (found->second.for_host())
        host_failures_[instance.record.key] = Error{.code = code, .message = why};
    descents_.erase(found);
    for (const auto id : actions) {
        works_.end(turn, id, Outcome{.error = Error{.code = code, .message = why}});
    }
    instance.last_stop.clear();
    if (instance.monitor) {
        command(turn, instance.record.key, Monitor::QueryStatus, {});
    } else if (!reserved_.contains(instance.record.key)) {
        instances_.set_state(turn, instance, VmState::Running, {}, {}, why);
    }
}

void Control::cancel(Turn& turn, ActionId action) {
    for (auto& [key, descent] : descents_) {
        const auto actions = descent.actions();
        if (std::find(actions.begin(), actions.end(), action) == actions.end()) continue;
        auto* instance = instances_.find(key);
        if (descent.ladder.state() != Ladder::State::Asking || instance == nullptr)
            return; // too late
        if (descent.orders.size() > 1) return leave(turn, *instance, descent, action);
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
    if (to == Reboot::Asked && instance.record.guest_agent) {
        reboot.guest_question = ask_guest(turn, {.key = key});
    } else if (to == Reboot::Asked) {
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
    const bool is_kept = reserved_.contains(key) ||
                         (is_being_suspended(instance->record) && reply.state == VmState::Paused);
    if (command_sent == Monitor::QueryStatus && !reply.error && !descents_.contains(key) &&
        !is_kept) {
        instances_.set_state(turn, *instance, reply.state, reply.reason);
    }
    if (action.is_none()) return;
    const auto* work = works_.find(action);
    if (work == nullptr) return;
    const auto reboot = reboots_.find(key);
    if (reply.error) {
        auto error = *reply.error;
        const bool is_reboots = reboot != reboots_.end() && reboot->second.action == action;
        const bool resets = command_sent == Monitor::Reset ||
                            (is_reboots && reboot->second.phase == Reboot::Restarting);
        if (resets && error.code == ErrorCode::Unreachable) error.code = ErrorCode::Indeterminate;
        if (is_reboots) reboots_.erase(reboot);
        return works_.end(turn, action, Outcome{.error = std::move(error)});
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
        reset.time = event.time; // this agent may have stood still since
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
        if (descent == descents_.end() && !reserved_.contains(key)) {
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
    if (owns(key)) return; // its state is ours to say
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

void Control::fail_all(Turn& turn, const InstanceKey& key, const Error& error) {
    std::vector<ActionId> open;
    for (const auto& [number, sent] : sent_) {
        if (sent.key == key && !sent.action.is_none()) open.push_back(sent.action);
    }
    std::erase_if(sent_, [&](const auto& item) { return item.second.key == key; });
    for (const auto& [number, work] : guest_works_) {
        if (work.key == key) open.push_back(work.action);
    }
    std::erase_if(guest_works_, [&](const auto& item) { return item.second.key == key; });
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
        const bool by_agent = descent.ladder.last() == Rung::GuestAgent;
        const auto text =
            asked
                ? fmt::format("gone after {}{}", took, by_agent ? ", through its guest agent" : "")
                : fmt::format("{}, after {}", instance.last_stop, took);
        const auto actions = descent.actions();
        descents_.erase(found);
        for (const auto id : actions) {
            works_.end(turn, id, Outcome{.text = text});
        }
    }
    host_failures_.erase(key);
    fail_all(turn,
             key,
             Error{.code = ErrorCode::Failed,
                   .message = fmt::format("the VM ended meanwhile, by {}", to_string(ending.by))});
}

} // namespace ctys::agent
