#include "broker/core/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

Event about(const ActionRecord& record, const Roster& roster, EventKind kind, std::string text) {
    Event event{.kind = kind};
    event.worker = record.action.worker;
    if (const auto* member = roster.find(event.worker)) event.worker_name = member->record.name;
    event.vm = record.action.vm;
    event.label = record.label;
    event.action = record.action.id;
    event.by = record.action.principal.name;
    event.text = std::move(text);
    event.data = {{"verb", std::string{to_string(record.action.verb)}}};
    if (!record.action.plan.is_none())
        event.data.emplace_back("plan", record.action.plan.to_string());
    if (!record.action.reason.empty()) event.data.emplace_back("reason", record.action.reason);
    if (record.outcome && record.outcome->error) {
        event.data.emplace_back("code", std::string{to_string(record.outcome->error->code)});
    }
    event.payload = record;
    return event;
}

/// Another agent of the machine may see the process of a start before its own agent has told of it:
/// as one of nobody's, whose console is in the instance directory that bears the action's id.
bool is_same_start(const InstanceRecord& row, const Member& member, ActionId action) {
    const auto folder = fmt::format("/{}/", action.to_string().substr(2));
    return !row.managed && row.worker != member.record.id && row.key.boot == member.record.boot &&
           row.owner == Owner::Ctys && row.console.find(folder) != std::string::npos;
}

} // namespace

void Dispatcher::load(std::vector<ActionRecord> actions, Instant now) {
    for (auto& record : actions) {
        const auto id = record.action.id;
        if (record.state == ActionState::Ended) {
            ended_order_.emplace_back(record.ended, id);
            // Whether a worker confirmed a withdrawal is not kept; asking again does no harm.
            const auto* lease = leases_.find(record.action.vm);
            if (lease != nullptr && lease->action == id && lease->phase == Lease::Phase::Reserved) {
                withdrawing_.insert(id);
            }
        } else {
            // What is stored of an open action is how long it had left.
            open(record,
                 Open{.expires = now + record.action.expiry,
                      .maybe_sent = true,
                      .asked = {},
                      .saved = now});
        }
        actions_.emplace(id, std::move(record));
    }
    std::sort(ended_order_.begin(), ended_order_.end());
    adopt_orphans(now);
}

void Dispatcher::adopt_orphans(Instant now) {
    // A start whose row was lost still holds its lease: its worker knows how it went, and is asked.
    for (const auto& [vm, lease] : leases_.all()) {
        if (lease.phase != Lease::Phase::Reserved || actions_.contains(lease.action)) continue;
        ActionRecord record{.state = ActionState::Dispatched, .requested = lease.since};
        record.action.id = lease.action;
        record.action.target = fmt::format("u:{}", vm);
        record.action.vm = vm;
        record.action.worker = lease.worker;
        record.action.token = lease.token;
        record.action.expiry = Duration{};
        open(record, Open{.expires = now, .maybe_sent = true, .asked = {}, .saved = now});
        actions_.emplace(lease.action, std::move(record));
    }
}

namespace {

/// The action of a plan is none: it goes to no worker.
bool ends_by_deadline(const Action& action) {
    return action.verb == Verb::Shutdown && action.deadline && !action.worker.is_none();
}

} // namespace

Dispatcher::Open& Dispatcher::open(const ActionRecord& record, Open as) {
    if (ends_by_deadline(record.action)) ++limited_[record.action.vm];
    return open_.emplace(record.action.id, as).first->second;
}

void Dispatcher::close(const Action& action) {
    if (open_.erase(action.id) == 0 || !ends_by_deadline(action)) return;
    const auto found = limited_.find(action.vm);
    if (found != limited_.end() && --found->second == 0) limited_.erase(found);
}

void Dispatcher::store(Turn& turn, ActionRecord& record, EventKind kind, std::string text) {
    turn.record(about(record, roster_, kind, std::move(text)));
    turn.put(record);
}

void Dispatcher::dispatch(Turn& turn, ActionRecord& record, Open& open) {
    const auto* member = roster_.find(record.action.worker);
    if (member == nullptr || !member->reachable()) return;
    record.state = ActionState::Dispatched;
    open.maybe_sent = true;
    turn.put(record);
    turn.release(*member->peer,
                 0,
                 msg::Command{.action = record.action,
                              .session = turn.now().instant.since_start,
                              .expires = open.expires.since_start});
}

void Dispatcher::end(Turn& turn, ActionRecord& record, Outcome outcome) {
    record.state = ActionState::Ended;
    record.ended = turn.now().wall;
    record.outcome = std::move(outcome);
    const auto& error = record.outcome->error;
    store(turn, record, EventKind::ActionEnded, error ? error->message : record.outcome->text);
    close(record.action);
    plans_.on_order_ended(record.action);
    ended_order_.emplace_back(record.ended, record.action.id);
    drop_oldest(turn);
}

const ActionRecord* Dispatcher::find(ActionId id) const {
    const auto found = actions_.find(id);
    return found == actions_.end() ? nullptr : &found->second;
}

void Dispatcher::begin_order(Turn& turn, Action action, const std::string& label) {
    const auto id = action.id;
    if (actions_.contains(id)) return;
    const auto expires = turn.now().instant + action.expiry;
    ActionRecord record{.action = std::move(action), .label = label, .requested = turn.now().wall};
    auto& stored = actions_.emplace(id, std::move(record)).first->second;
    store(turn,
          stored,
          EventKind::ActionRequested,
          fmt::format("{} {}, by {}", to_string(stored.action.verb), label, stored.action.plan));
    if (stored.action.verb == Verb::Start) {
        // Path and lease are found when its turn has come.
        const auto vm = turn.inventory().vm(stored.action.vm);
        auto admitted = vm ? admit_start(turn, stored, stored.action.worker.to_string(), *vm)
                           : Result<Admission>{fail(ErrorCode::NotFound, "there is no such VM")};
        if (!admitted) return end(turn, stored, Outcome{.error = admitted.error()});
        if (admitted->wait) return end(turn, stored, Outcome{.error = admitted->wait->otherwise});
        if (!admitted->answer.empty()) return end(turn, stored, Outcome{.text = admitted->answer});
    }
    dispatch(turn,
             stored,
             open(stored, Open{.expires = expires, .asked = {}, .saved = turn.now().instant}));
}

void Dispatcher::cancel_order(Turn& turn, ActionId order) {
    const auto found = actions_.find(order);
    if (found == actions_.end() || found->second.state == ActionState::Ended) return;
    auto& record = found->second;
    record.cancelling = true;
    store(turn, record, EventKind::ActionCancelling, fmt::format("with {}", record.action.plan));
    const auto* member = roster_.find(record.action.worker);
    if (member != nullptr && member->peer)
        turn.release(*member->peer, 0, msg::CancelCommand{order});
}

void Dispatcher::end_plan(Turn& turn, ActionId plan, Outcome outcome) {
    const auto found = actions_.find(plan);
    if (found == actions_.end() || found->second.state == ActionState::Ended) return;
    end(turn, found->second, std::move(outcome));
}

void Dispatcher::drop_oldest(Turn& turn) {
    // The newest stays in any case: whoever has just ended it still writes it.
    for (auto it = ended_order_.begin();
         ended_order_.size() > kept && std::next(it) != ended_order_.end();) {
        const auto id = it->second;
        const auto* lease = leases_.find(actions_.at(id).action.vm);
        if (withdrawing_.contains(id) && lease != nullptr && lease->action == id) {
            ++it; // its worker has to be told to give the lease back
            continue;
        }
        turn.write(EraseAction{id});
        withdrawing_.erase(id);
        actions_.erase(id);
        it = ended_order_.erase(it);
    }
}

void Dispatcher::save_remaining(Turn& turn, const ActionRecord& record, Open& open) const {
    const auto left = open.expires - turn.now().instant;
    if (turn.now().instant - open.saved < std::max(save_every, left / 16)) return;
    open.saved = turn.now().instant;
    auto stored = record;
    stored.action.expiry = left;
    turn.put(std::move(stored));
}

void Dispatcher::withdraw(Turn& turn, const ActionRecord& record) {
    withdrawing_.insert(record.action.id);
    const auto* member = roster_.find(record.action.worker);
    if (member != nullptr && member->peer)
        turn.release(*member->peer, 0, msg::Withdraw{record.action.id});
}

void Dispatcher::on_cancel(Turn& turn,
                           const PeerId& peer,
                           std::uint64_t correlation,
                           const Principal& principal,
                           const msg::CancelAction& cancel) {
    const auto answer = [&](Body body) { turn.release(peer, correlation, std::move(body)); };
    if (auto allowed = check_permission(principal, Permission::Operate); !allowed) {
        return answer(msg::Failure{allowed.error()});
    }
    std::vector<ActionRecord*> found;
    for (auto& [id, record] : actions_) {
        if (!cancel.action.empty() && id.to_string().starts_with(cancel.action))
            found.push_back(&record);
    }
    if (found.size() != 1) {
        const auto code = found.empty() ? ErrorCode::NotFound : ErrorCode::Ambiguous;
        return answer(msg::Failure{Error{
            .code = code,
            .message = fmt::format("{} actions begin with \"{}\"", found.size(), cancel.action),
            .try_next = "ctys actions"}});
    }
    auto& record = *found.front();
    if (record.state == ActionState::Ended) {
        return answer(
            msg::Failure{Error{.code = ErrorCode::Conflict, .message = "it has ended already"}});
    }
    record.cancelling = true;
    store(turn, record, EventKind::ActionCancelling, fmt::format("by {}", principal.name));
    const auto* member = roster_.find(record.action.worker);
    if (!open_.at(record.action.id).maybe_sent) {
        leases_.on_not_started(turn, record.action.id);
        end(turn,
            record,
            Outcome{.error = Error{.code = ErrorCode::Cancelled, .message = "cancelled"}});
    } else if (!plans_.cancel(record.action.id) && member != nullptr && member->peer) {
        turn.release(*member->peer, 0, msg::CancelCommand{record.action.id});
    }
    answer(msg::Done{fmt::format("{} is being cancelled", record.action.id)});
}

void Dispatcher::on_refused(Turn& turn, const Member& member, const msg::CommandRefused& refused) {
    const auto found = actions_.find(refused.action);
    if (found == actions_.end() || found->second.action.worker != member.record.id) return;
    leases_.on_not_started(turn, refused.action);
    withdrawing_.erase(refused.action);
    if (found->second.state == ActionState::Ended) return;
    end(turn, found->second, Outcome{.error = refused.error});
}

void Dispatcher::on_status(Turn& turn, const Member& member, const msg::CommandStatus& status) {
    const auto found = actions_.find(status.action);
    const auto open = open_.find(status.action);
    if (found == actions_.end() || open == open_.end()) return;
    auto& record = found->second;
    if (record.action.worker != member.record.id) return;
    if (status.known == msg::CommandStatus::Known::Running) {
        // The worker was away when somebody cancelled it.
        if (record.cancelling) turn.release(*member.peer, 0, msg::CancelCommand{status.action});
        return;
    }
    // It ended, or was begun and is not known any more, and no event is left that could tell how:
    // the worker's spool was full or lost. What could harm is not sent a second time either.
    if (status.known == msg::CommandStatus::Known::Ended || record.state == ActionState::Running ||
        !is_repeatable(record.action.verb)) {
        leases_.on_not_started(turn, status.action);
        return end(turn,
                   record,
                   Outcome{.error = Error{.code = ErrorCode::Indeterminate,
                                          .message = "its worker cannot tell any more how it "
                                                     "ended"}});
    }
    if (turn.now().instant < open->second.expires && !record.cancelling) {
        return dispatch(turn, record, open->second);
    }
    leases_.on_not_started(turn, status.action);
    end(turn,
        record,
        Outcome{.error =
                    Error{.code = record.cancelling ? ErrorCode::Cancelled : ErrorCode::Expired,
                          .message = record.cancelling ? "cancelled before it began"
                                                       : "it expired before its worker began"}});
}

void Dispatcher::on_confirm(Turn& turn,
                            const Member& member,
                            std::uint64_t correlation,
                            const msg::Confirm& confirm) {
    const auto* lease = leases_.find(confirm.vm);
    msg::Confirmed answer{.action = confirm.action};
    answer.holds = lease != nullptr && lease->worker == member.record.id &&
                   lease->token == confirm.token && !withdrawing_.contains(confirm.action);
    if (!answer.holds) {
        answer.reason = lease == nullptr ? "the lease has ended" : "another start holds the lease";
    }
    // Somebody may have started it by hand meanwhile.
    for (const auto& row : turn.inventory().instances(confirm.vm)) {
        if (!is_live(row.state) || row.started_by == confirm.action) continue;
        if (is_same_start(row, member, confirm.action)) continue;
        answer.holds = false;
        answer.reason = fmt::format("it runs already (pid {})", row.key.pid);
    }
    turn.release(*member.peer, correlation, std::move(answer));
}

void Dispatcher::on_withdrawn(Turn& turn, const Member& member, const msg::Withdrawn& withdrawn) {
    const auto found = actions_.find(withdrawn.action);
    if (found == actions_.end() || found->second.action.worker != member.record.id) return;
    withdrawing_.erase(withdrawn.action);
    leases_.on_not_started(turn, withdrawn.action);
    // A start by hand, whose wrapper has not waited for the answer.
    if (found->second.state != ActionState::Ended)
        end(turn,
            found->second,
            Outcome{.error = Error{.code = ErrorCode::Cancelled,
                                   .message = "its wrapper did not wait for the answer"}});
}

bool Dispatcher::on_event(Turn& turn, const Member& member, const Event& event) {
    const auto found = actions_.find(event.action);
    if (found == actions_.end()) return true;
    // A worker speaks for its own actions only.
    if (found->second.action.worker != member.record.id)
        return family(event.kind) != EventFamily::Action;
    auto& record = found->second;
    if (event.kind == EventKind::ActionEnded) {
        const auto* reported = std::get_if<ActionRecord>(&event.payload);
        const auto outcome =
            reported != nullptr ? reported->outcome.value_or(Outcome{}) : Outcome{};
        withdrawing_.erase(event.action);
        // What has started was told before this, unless it is still to come with all the rest.
        const bool is_settled =
            outcome.ok() ? !member.exchanging : outcome.error->code != ErrorCode::Stuck;
        if (is_settled) leases_.on_not_started(turn, event.action);
        if (record.state == ActionState::Ended) {
            // It has had its one outcome; what its worker says after all is news, not a second one.
            turn.record(about(record,
                              roster_,
                              EventKind::ActionProgress,
                              fmt::format("its worker says: {}", event.text)));
            return false;
        }
        record.state = ActionState::Ended;
        record.ended = turn.now().wall;
        record.outcome = outcome;
        close(record.action);
        plans_.on_order_ended(record.action);
        ended_order_.emplace_back(record.ended, event.action);
        drop_oldest(turn);
    } else if (record.state != ActionState::Ended && event.kind == EventKind::ActionBegun) {
        record.state = ActionState::Running;
    } else if (record.state != ActionState::Ended && event.kind == EventKind::ActionProgress) {
        record.progress = event.text;
    } else {
        return true;
    }
    turn.put(record);
    return true;
}

void Dispatcher::on_registered(Turn& turn, const Member& member) {
    for (auto& [id, open] : open_) {
        auto& record = actions_.at(id);
        if (record.action.worker != member.record.id) continue;
        if (open.maybe_sent) {
            turn.release(*member.peer, 0, msg::CommandQuery{id});
        } else {
            dispatch(turn, record, open);
        }
    }
    for (const auto& id : withdrawing_) {
        const auto found = actions_.find(id);
        if (found != actions_.end() && found->second.action.worker == member.record.id) {
            turn.release(*member.peer, 0, msg::Withdraw{id});
        }
    }
}

void Dispatcher::on_exchanged(Turn& turn, const Member& member) {
    std::vector<ActionId> over;
    for (const auto& [vm, lease] : leases_.all()) {
        if (lease.worker != member.record.id || lease.phase != Lease::Phase::Reserved) continue;
        const auto found = actions_.find(lease.action);
        if (found == actions_.end() || found->second.state != ActionState::Ended) continue;
        if (found->second.outcome && found->second.outcome->ok()) over.push_back(lease.action);
    }
    for (const auto& action : over) {
        leases_.on_not_started(turn, action);
    }
}

void Dispatcher::on_worker_gone(Turn& turn, const WorkerId& worker, std::string_view why) {
    std::vector<ActionId> ending;
    for (const auto& [id, open] : open_) {
        if (actions_.at(id).action.worker == worker) ending.push_back(id);
    }
    for (const auto& id : ending) {
        auto& record = actions_.at(id);
        const auto code =
            is_repeatable(record.action.verb) ? ErrorCode::Unreachable : ErrorCode::Indeterminate;
        withdrawing_.insert(id);
        end(turn, record, Outcome{.error = Error{.code = code, .message = std::string{why}}});
    }
}

void Dispatcher::on_tick(Turn& turn) {
    decide_held(turn);
    std::vector<ActionId> expired;
    for (auto& [id, open] : open_) {
        const auto& record = actions_.at(id);
        if (turn.now().instant < open.expires) {
            if (record.state != ActionState::Running) save_remaining(turn, record, open);
            continue;
        }
        const auto* member = roster_.find(record.action.worker);
        if (record.state == ActionState::Running) {
            // Its end may have been lost with a full spool: asked now and then.
            if (turn.now().instant - open.asked < ask_again || member == nullptr ||
                !member->reachable())
                continue;
            open.asked = turn.now().instant;
            turn.release(*member->peer, 0, msg::CommandQuery{id});
            continue;
        }
        if (open.maybe_sent && member != nullptr && member->reachable()) {
            turn.release(*member->peer, 0, msg::CommandQuery{id});
        } else {
            expired.push_back(id);
        }
    }
    for (const auto& id : expired) {
        auto& record = actions_.at(id);
        const bool maybe_sent = open_.at(id).maybe_sent;
        if (maybe_sent) {
            withdraw(turn, record);
        } else {
            leases_.on_not_started(turn, id);
        }
        const bool is_certain = !maybe_sent || is_repeatable(record.action.verb);
        end(turn,
            record,
            Outcome{.error = Error{
                        .code = is_certain ? ErrorCode::Unreachable : ErrorCode::Indeterminate,
                        .message = maybe_sent ? "its worker did not answer in time; if it began "
                                                "after all, its events will tell"
                                              : "its worker was away until it expired"}});
    }
}

} // namespace ctys::broker
