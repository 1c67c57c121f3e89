#include "agent/core/starter.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace ctys::agent {

Status Starter::check(const Action& action, const PathRecord* path) const {
    if (const auto* live = instances_.find_live(action.vm)) {
        return ctys::fail(ErrorCode::Conflict,
                          fmt::format("runs here already (pid {})", live->record.key.pid));
    }
    if (is_starting(action.vm))
        return ctys::fail(ErrorCode::Conflict, "is being started here already", "ctys actions");
    if (path == nullptr) {
        return ctys::fail(ErrorCode::NotFound,
                          fmt::format("{} is not known here any more", action.config),
                          "ctys scan");
    }
    if (path->wrapper.empty()) {
        return ctys::fail(ErrorCode::Failed,
                          fmt::format("{} has no wrapper script beside it", path->config));
    }
    if (!path->runnable) return ctys::fail(ErrorCode::Refused, path->why_not);
    return {};
}

bool Starter::is_starting(const VmId& vm) const {
    return std::any_of(starts_.begin(), starts_.end(), [&](const auto& item) {
        return item.second.action.vm == vm;
    });
}

void Starter::launch(Turn& turn, const Start& start, bool check_only) {
    turn.then(Launch{.action = start.action.id,
                     .vm = start.action.vm,
                     .label = start.label,
                     .config = start.path.config,
                     .wrapper = start.path.wrapper,
                     .user = start.action.user,
                     .owner_uid = start.path.owner_uid,
                     .token = start.action.token,
                     .check_only = check_only});
}

void Starter::begin(Turn& turn,
                    const Action& action,
                    const PathRecord& path,
                    const std::string& label) {
    works_.begin(turn, action, label, {});
    auto& start = starts_[action.id];
    start = Start{.action = action, .path = path, .label = label};
    launch(turn, start, /*check_only=*/true);
    turn.arm({.kind = TimerKind::Start, .action = action.id}, turn.now().instant + limit);
}

Starter::Start* Starter::find_instance(const InstanceKey& key) {
    const auto found = std::find_if(starts_.begin(), starts_.end(), [&](const auto& item) {
        return item.second.state >= State::Confirming && item.second.key == key;
    });
    return found == starts_.end() ? nullptr : &found->second;
}

bool Starter::owns(const InstanceKey& key) const {
    return std::any_of(starts_.begin(), starts_.end(), [&](const auto& item) {
        return item.second.state >= State::Confirming && item.second.key == key;
    });
}

void Starter::fail(Turn& turn, ActionId action, Error error) {
    const auto found = starts_.find(action);
    if (found == starts_.end()) return;
    const auto key = found->second.key;
    const bool exists = found->second.state >= State::Confirming;
    starts_.erase(found);
    if (!exists) turn.then(EndLaunch{action});
    if (exists && instances_.find(key) != nullptr) {
        // It stands with -S or has just begun: nothing is lost by ending it (P6).
        control_.abandon(turn, *instances_.find(key));
    }
    works_.end(turn, action, Outcome{.error = std::move(error)});
}

void Starter::withdraw(Turn& turn, ActionId action) {
    fail(turn, action, Error{.code = ErrorCode::Cancelled, .message = "withdrawn"});
}

void Starter::on_launch(Turn& turn, const LaunchEnded& ended) {
    const auto found = starts_.find(ended.action);
    if (found == starts_.end()) return;
    auto& start = found->second;
    if (ended.check_only && ended.exit_code == 0 && start.state == State::Checking) {
        start.state = State::Launching;
        return launch(turn, start, /*check_only=*/false);
    }
    if (start.state >= State::Confirming) return; // QEMU is there: its own end is told by its exit
    auto message =
        ended.check_only ? fmt::format("its wrapper refuses it with status {}", ended.exit_code)
        : ended.exit_code == 0 ? std::string{"its wrapper ended without starting QEMU"}
                               : fmt::format("its wrapper ended with status {}", ended.exit_code);
    if (!ended.output.empty()) message += ": " + ended.output;
    fail(turn, ended.action, Error{.code = ErrorCode::Failed, .message = std::move(message)});
}

void Starter::on_appeared(const Instance& instance) {
    const auto found = starts_.find(instance.record.started_by);
    if (found == starts_.end() || found->second.state != State::Launching) return;
    found->second.state = State::Confirming;
    found->second.key = instance.record.key;
    if (auto* work = works_.find(found->first)) work->instance = instance.record.key;
}

void Starter::ask(Turn& turn, const Start& start) {
    turn.then(ToBroker{Envelope{.correlation = start.action.id.value,
                                .body = msg::Confirm{.action = start.action.id,
                                                     .vm = start.action.vm,
                                                     .token = start.action.token}}});
}

bool Starter::on_monitor_up(Turn& turn, Instance& instance, const MonitorUp& /*up*/) {
    on_appeared(instance);
    auto* start = find_instance(instance.record.key);
    if (start == nullptr) return false;
    if (start->state == State::Confirming) ask(turn, *start);
    return true;
}

void Starter::on_online(Turn& turn) {
    for (const auto& [id, start] : starts_) {
        const auto* instance = instances_.find(start.key);
        if (start.state == State::Confirming && instance != nullptr && instance->monitor)
            ask(turn, start);
    }
}

void Starter::on_confirmed(Turn& turn, const msg::Confirmed& confirmed) {
    const auto found = starts_.find(confirmed.action);
    if (found == starts_.end() || found->second.state != State::Confirming) return;
    if (!confirmed.holds) {
        return fail(turn,
                    confirmed.action,
                    Error{.code = ErrorCode::Conflict, .message = confirmed.reason});
    }
    found->second.state = State::Resuming;
    found->second.cont = control_.command(turn, found->second.key, Monitor::Cont, {});
}

void Starter::on_reply(Turn& turn, const MonitorReply& reply) {
    const auto found = std::find_if(starts_.begin(), starts_.end(), [&](const auto& item) {
        return item.second.state == State::Resuming && item.second.cont == reply.number;
    });
    if (found == starts_.end()) return;
    const auto id = found->first;
    if (reply.error) return fail(turn, id, *reply.error);
    auto* instance = instances_.find(found->second.key);
    if (instance == nullptr) return;
    const auto principal = found->second.action.principal.name;
    starts_.erase(found);
    instances_.set_state(turn, *instance, VmState::Running, {}, principal, {}, id);
    works_.end(turn,
               id,
               Outcome{.text = fmt::format("running, pid {}, {}",
                                           instance->record.key.pid,
                                           instance->record.accelerator)});
}

void Starter::on_timer(Turn& turn, ActionId action) {
    const auto found = starts_.find(action);
    if (found == starts_.end()) return;
    const auto& start = found->second;
    const auto* instance = instances_.find(start.key);
    const bool has_asked =
        start.state == State::Confirming && instance != nullptr && instance->monitor;
    const char* waited_for = start.state == State::Checking     ? "its wrapper's --check"
                             : start.state == State::Launching  ? "QEMU to begin"
                             : has_asked                        ? "the broker to confirm its lease"
                             : start.state == State::Confirming ? "QEMU to dial in"
                                                                : "QEMU to run";
    fail(turn,
         action,
         Error{.code = has_asked ? ErrorCode::Unreachable : ErrorCode::Failed,
               .message = fmt::format(
                   "given up after {} of waiting for {}", to_short_text(limit), waited_for)});
}

void Starter::on_exit(Turn& turn, const Instance& instance, const Ending& ending) {
    auto* start = find_instance(instance.record.key);
    if (start == nullptr) return;
    const auto id = start->action.id;
    starts_.erase(id);
    works_.end(turn,
               id,
               Outcome{.error = Error{.code = ErrorCode::Failed,
                                      .message = ending.detail.empty()
                                                     ? fmt::format("QEMU ended by {} before it ran",
                                                                   to_string(ending.by))
                                                     : fmt::format("QEMU ended before it ran: {}",
                                                                   ending.detail)}});
}

} // namespace ctys::agent
