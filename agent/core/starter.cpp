#include "agent/core/starter.h"

#include "mesh/core/start_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace ctys::agent {

namespace {

/// Of a wrapper that refuses: those that the table of statuses gives one meaning each.
ErrorCode code_of_status(int status) {
    for (const auto code :
         {ErrorCode::Usage, ErrorCode::NotFound, ErrorCode::Conflict, ErrorCode::Refused}) {
        if (traits(code).exit_status == status) return code;
    }
    return ErrorCode::Failed;
}

} // namespace

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

// Its wrapper reads the note; one that is still being written would be found by the next start.
void Starter::launch(Turn& turn, Start& start) {
    if (suspension_.is_noting(start.path.config)) return;
    start.state = State::Launching;
    turn.then(Launch{.action = start.action.id,
                     .vm = start.action.vm,
                     .label = start.label,
                     .config = start.path.config,
                     .wrapper = start.path.wrapper,
                     .user = start.action.user,
                     .owner_uid = start.path.owner_uid,
                     .token = start.action.token,
                     .discard_state = start.action.discard_state,
                     .options = start.action.options});
}

void Starter::begin(Turn& turn,
                    const Action& action,
                    const PathRecord& path,
                    const std::string& label) {
    works_.begin(turn, action, label, {});
    auto& start = starts_[action.id];
    start = Start{.action = action, .path = path, .label = label};
    wait(turn, start);
    launch(turn, start);
}

/// The broker, about its token.
bool Starter::has_asked(const Start& start) const {
    const auto* instance = instances_.find(start.key);
    return start.state == State::Confirming && instance != nullptr && instance->monitor;
}

Duration Starter::patience(const Start& start) const {
    if (start.state < State::Confirming)
        return installs(start.action.options) ? install_limit : limit;
    // A large state is loaded as slowly as it was saved, before QEMU dials in.
    const bool loads = start.loads && start.state == State::Confirming && !has_asked(start);
    return loads ? Suspension::save_limit : limit;
}

void Starter::wait(Turn& turn, const Start& start) const {
    turn.arm({.kind = TimerKind::Start, .action = start.action.id},
             turn.now().instant + patience(start));
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

void Starter::give_up_all(Turn& turn, const std::string& why) {
    while (!starts_.empty()) {
        fail(turn, starts_.begin()->first, Error{.code = ErrorCode::Conflict, .message = why});
    }
}

void Starter::on_launch(Turn& turn, const LaunchEnded& ended) {
    const auto found = starts_.find(ended.action);
    if (found == starts_.end()) return;
    if (found->second.state >= State::Confirming)
        return; // QEMU is there: its own end is told by its exit
    const auto code = code_of_status(ended.exit_code);
    auto message = ended.exit_code == 0 ? std::string{"its wrapper ended without starting QEMU"}
                   : code == ErrorCode::Failed
                       ? fmt::format("its wrapper ended with status {}", ended.exit_code)
                       : fmt::format("its wrapper refuses it with status {}", ended.exit_code);
    if (!ended.output.empty()) message += ": " + ended.output;
    fail(turn, ended.action, Error{.code = code, .message = std::move(message)});
}

void Starter::on_appeared(Turn& turn, const Instance& instance) {
    const auto found = starts_.find(instance.record.started_by);
    if (found == starts_.end() || found->second.state != State::Launching) return;
    const auto patience_before = patience(found->second);
    found->second.state = State::Confirming;
    found->second.key = instance.record.key;
    found->second.loads = instance.record.reason == reason::resuming;
    if (patience(found->second) != patience_before) wait(turn, found->second);
    if (auto* work = works_.find(found->first)) work->instance = instance.record.key;
}

// Begun without a broker it has no token, and nobody to ask.
void Starter::confirm(Turn& turn, Start& start) {
    if (start.action.token == 0) return take_state(turn, start);
    turn.then(ToBroker{Envelope{.correlation = start.action.id.value,
                                .body = msg::Confirm{.action = start.action.id,
                                                     .vm = start.action.vm,
                                                     .token = start.action.token}}});
}

// Before it moves: what is not loaded by its note cannot be loaded again when it has moved.
void Starter::take_state(Turn& turn, Start& start) {
    const auto* instance = instances_.find(start.key);
    if (!start.loads || instance == nullptr) return resume(turn, start);
    start.state = State::Taking;
    start.number = control_.next_number();
    suspension_.put_note(turn, instance->record, start.number, /*saved=*/false);
}

void Starter::on_noted(Turn& turn, const StateNoted& noted) {
    for (auto& [id, waiting] : starts_) {
        if (waiting.state == State::Awaiting) launch(turn, waiting);
    }
    auto* start = find_instance(noted.key);
    auto* instance = instances_.find(noted.key);
    if (start == nullptr || instance == nullptr || start->state != State::Taking ||
        start->number != noted.number)
        return;
    if (noted.error) {
        return fail(turn,
                    start->action.id,
                    within("the note of its saved state could not be taken away", *noted.error));
    }
    instances_.set_state(turn, *instance, VmState::Starting, {}, {}, "its state is loaded");
    resume(turn, *start);
}

void Starter::resume(Turn& turn, Start& start) {
    start.state = State::Resuming;
    start.number = control_.command(turn, start.key, Monitor::Cont, {});
}

bool Starter::on_monitor_up(Turn& turn, Instance& instance, const MonitorUp& /*up*/) {
    on_appeared(turn, instance);
    auto* start = find_instance(instance.record.key);
    if (start == nullptr) return false;
    if (start->loads) wait(turn, *start);
    if (start->state == State::Confirming) confirm(turn, *start);
    return true;
}

void Starter::on_online(Turn& turn) {
    for (auto& [id, start] : starts_) {
        const auto* instance = instances_.find(start.key);
        if (start.state == State::Confirming && instance != nullptr && instance->monitor)
            confirm(turn, start);
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
    take_state(turn, found->second);
}

void Starter::on_reply(Turn& turn, const MonitorReply& reply) {
    const auto found = std::find_if(starts_.begin(), starts_.end(), [&](const auto& item) {
        return item.second.state == State::Resuming && item.second.number == reply.number;
    });
    if (found == starts_.end()) return;
    const auto id = found->first;
    if (reply.error) return fail(turn, id, *reply.error);
    auto* instance = instances_.find(found->second.key);
    if (instance == nullptr) return;
    const auto start = found->second;
    starts_.erase(found);
    instances_.set_state(turn,
                         *instance,
                         VmState::Running,
                         {},
                         start.action.principal.name,
                         start.loads ? "goes on from its saved state" : "",
                         id);
    auto text = fmt::format("running, pid {}, {}{}",
                            instance->record.key.pid,
                            instance->record.accelerator,
                            start.loads ? ", from its saved state" : "");
    if (start.loads || start.action.discard_state)
        return suspension_.clear(turn, *instance, id, std::move(text));
    works_.end(turn, id, Outcome{.error = {}, .text = std::move(text)});
}

void Starter::on_timer(Turn& turn, ActionId action) {
    const auto found = starts_.find(action);
    if (found == starts_.end()) return;
    const auto& start = found->second;
    const bool is_asked = has_asked(start);
    const char* waited_for = start.state == State::Awaiting     ? "the note of its saved state"
                             : start.state == State::Launching  ? "QEMU to begin"
                             : is_asked                         ? "the broker to confirm its lease"
                             : start.state == State::Confirming ? "QEMU to dial in"
                             : start.state == State::Taking     ? "the note of its saved state"
                                                                : "QEMU to run";
    fail(turn,
         action,
         Error{.code = is_asked ? ErrorCode::Unreachable : ErrorCode::Failed,
               .message = fmt::format("given up after {} of waiting for {}",
                                      to_short_text(patience(start)),
                                      waited_for)});
}

void Starter::on_exit(Turn& turn, const Instance& instance, const Ending& ending) {
    auto* start = find_instance(instance.record.key);
    if (start == nullptr) return;
    const auto id = start->action.id;
    Error error{.code = ErrorCode::Failed,
                .message = ending.detail.empty()
                               ? fmt::format("QEMU ended by {} before it ran", to_string(ending.by))
                               : fmt::format("QEMU ended before it ran: {}", ending.detail)};
    if (start->loads && start->state < State::Resuming) {
        error.message += "; its saved state stays as it is";
        error.try_next = fmt::format("without it: ctys start {} --discard-state", start->label);
    }
    starts_.erase(id);
    works_.end(turn, id, Outcome{.error = std::move(error)});
}

} // namespace ctys::agent
