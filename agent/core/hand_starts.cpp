#include "agent/core/hand_starts.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

void HandStarts::answer(Turn& turn, const Start& start, Answer answer, std::string reason) {
    turn.then(AnswerCaller{start.caller,
                           msg::HandGrant{.action = start.action.id,
                                          .answer = answer,
                                          .token = start.action.token,
                                          .reason = std::move(reason)}});
}

bool HandStarts::is_starting(const VmId& vm) const {
    return std::any_of(starts_.begin(), starts_.end(), [&](const auto& item) {
        return item.second.action.vm == vm;
    });
}

void HandStarts::on_asked(
    Turn& turn, const HandStartAsked& asked, const PathFacts* path, bool online, bool is_starting) {
    Start start{.caller = asked.caller,
                .action = {.id = asked.action, .verb = Verb::Start, .config = asked.config},
                .label = asked.label,
                .on_shared = asked.on_shared};
    start.action.principal = {.name = asked.user, .role = Role::Operator, .worker = {}};
    if (path == nullptr) {
        return answer(turn, start, Answer::Unknown, "its configuration is in no pool of the agent");
    }
    start.action.vm = path->vm.id;
    start.label = path->vm.label;
    if (const auto* live = instances_.find_live(path->vm.id)) {
        return answer(turn,
                      start,
                      Answer::Refused,
                      fmt::format("{} runs here already (pid {}, {})",
                                  start.label,
                                  live->record.key.pid,
                                  to_string(live->record.owner)));
    }
    if (is_starting || this->is_starting(path->vm.id))
        return answer(turn, start, Answer::Refused, start.label + " is being started here already");
    if (starts_.size() >= most || starts_.contains(asked.action))
        return answer(turn, start, Answer::Refused, "too many starts by hand at once");
    const auto id = asked.action;
    const auto& kept = starts_.emplace(id, std::move(start)).first->second;
    if (!online) return go_alone(turn, id, /*was_asked=*/false);
    turn.then(ToBroker{Envelope{.correlation = id.value,
                                .body = msg::HandStart{.action = id,
                                                       .vm = kept.action.vm,
                                                       .config = kept.action.config,
                                                       .label = kept.label,
                                                       .user = asked.user}}});
    turn.arm({.kind = TimerKind::HandStart, .action = id}, turn.now().instant + broker_patience);
}

void HandStarts::refuse(Turn& turn, const HandStartAsked& asked, std::string why) {
    const Start start{.caller = asked.caller,
                      .action = {.id = asked.action, .verb = Verb::Start, .config = asked.config},
                      .label = asked.label};
    answer(turn, start, Answer::Refused, std::move(why));
}

void HandStarts::refuse_all(Turn& turn, const std::string& why) {
    std::erase_if(starts_, [&](const auto& item) {
        if (item.second.state != State::Asking) return false;
        answer(turn, item.second, Answer::Refused, why);
        return true;
    });
}

// Nobody can say whether another machine runs it: only where no other machine could (DESIGN: Life
// of an action).
void HandStarts::go_alone(Turn& turn, ActionId action, bool was_asked) {
    auto& start = starts_.at(action);
    if (start.on_shared) {
        answer(turn,
               start,
               Answer::Refused,
               fmt::format("no broker answers, and {} is on shared storage: another machine may "
                           "be running it",
                           start.action.config));
        starts_.erase(action);
        return;
    }
    start.state = State::Granted;
    // Its grant may be under way for ever, and the broker would ask for this start.
    if (was_asked) works_.begin(turn, start.action, start.label, InstanceKey{});
    answer(turn, start, Answer::Alone, "no broker answers; its pool is local to this machine");
}

void HandStarts::on_grant(Turn& turn, const msg::HandGrant& grant) {
    const auto found = starts_.find(grant.action);
    if (found == starts_.end()) {
        // The wrapper is gone, or was told something else meanwhile.
        if (grant.answer == Answer::Granted && works_.find(grant.action) == nullptr)
            turn.then(ToBroker{Envelope{.body = msg::Withdrawn{grant.action}}});
        return;
    }
    auto& start = found->second;
    if (grant.answer == Answer::Granted) {
        start.action.token = grant.token;
        if (works_.find(grant.action) == nullptr)
            works_.begin(turn, start.action, start.label, InstanceKey{});
    }
    if (start.state != State::Asking) return; // it was let start alone before this came
    answer(turn, start, grant.answer, grant.reason);
    if (grant.answer == Answer::Granted) {
        start.state = State::Granted;
    } else {
        starts_.erase(found);
    }
}

bool HandStarts::on_failure(Turn& turn, std::uint64_t correlation) {
    const auto found = starts_.find(ActionId{correlation});
    if (found == starts_.end() || found->second.state != State::Asking) return false;
    go_alone(turn, found->first, /*was_asked=*/false);
    return true;
}

void HandStarts::on_timer(Turn& turn, ActionId action) {
    const auto found = starts_.find(action);
    if (found == starts_.end()) return;
    if (found->second.state == State::Asking) return go_alone(turn, action, /*was_asked=*/true);
    if (found->second.state != State::Waning) return;
    starts_.erase(found);
    works_.end(turn,
               action,
               Outcome{.error = Error{.code = ErrorCode::Failed,
                                      .message = "its wrapper ended without starting QEMU"}});
}

void HandStarts::on_caller_gone(Turn& turn, std::uint64_t caller) {
    const auto found = std::find_if(starts_.begin(), starts_.end(), [&](const auto& item) {
        return item.second.caller == caller;
    });
    if (found == starts_.end()) return;
    const auto id = found->first;
    if (found->second.state == State::Asking) {
        starts_.erase(found);
        return;
    }
    found->second.state = State::Waning;
    turn.arm({.kind = TimerKind::HandStart, .action = id}, turn.now().instant + last_look);
}

void HandStarts::recognise(InstanceRecord& record) const {
    for (const auto& [id, start] : starts_) {
        if (start.state == State::Asking || start.action.vm != record.vm) continue;
        record.started_by = id;
        record.token = start.action.token;
    }
}

void HandStarts::on_appeared(Turn& turn, const Instance& instance) {
    const auto found = starts_.find(instance.record.started_by);
    if (found == starts_.end() || found->second.action.vm != instance.record.vm) return;
    const auto id = found->first;
    starts_.erase(found);
    works_.end(
        turn, id, Outcome{.text = fmt::format("started by hand, pid {}", instance.record.key.pid)});
}

} // namespace ctys::agent
