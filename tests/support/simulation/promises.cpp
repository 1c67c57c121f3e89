#include "tests/support/simulation/promises.h"

#include "schema/codec.h"
#include "tests/support/simulation/sim_agent.h"

namespace ctys::sim {

using std::chrono::seconds;

void Promises::on_submit(const Action& action,
                         const Principal& principal,
                         const std::string& label) {
    if (!check_permission(principal, Permission::Operate) || action.dry_run)
        return; // nothing may come of it
    if (!asked_.try_emplace(action.id, Asked{action, label, ground_.schedule.now()}).second) return;
    asked_of_.emplace(label, action.id);
}

/// What a plan asks for is asked for by whoever asked for the plan.
void Promises::on_order(const ActionRecord& record) {
    const auto& action = record.action;
    if (action.plan.is_none()) return;
    if (!asked_.contains(action.plan))
        return ground_.broken("action", "an order of a plan that nobody asked for");
    asked_.try_emplace(action.id, Asked{action, record.label, ground_.schedule.now()});
    asked_of_.emplace(record.label, action.id);
}

void Promises::on_fence(const Machine& machine) {
    for (const auto& [key, process] : machine.processes()) {
        declared_dead_.insert(key);
        for (const auto& [name, inner] : estate_.machines()) {
            if (inner->carrier == key) on_fence(*inner);
        }
    }
}

bool Promises::was_asked(const std::string& label, std::initializer_list<Verb> verbs) const {
    const auto [from, to] = asked_of_.equal_range(label);
    return std::any_of(from, to, [&](const auto& item) {
        return std::find(verbs.begin(), verbs.end(), asked_.at(item.second).action.verb) !=
               verbs.end();
    });
}

void Promises::on_load(const Process& process) {
    const auto* directory = process.directory();
    if (directory == nullptr || directory->is_touched) return;
    if (!directory->snapshot)
        return ground_.broken("P3", fmt::format("the saved state of {} is lost", process.label));
    if (*directory->snapshot != directory->moves)
        ground_.broken("P3", fmt::format("{} goes back in time", process.label));
}

void Promises::on_move(const Process& process) {
    auto* directory = process.directory();
    if (directory == nullptr) return;
    ++directory->moves;
    bool is_alone = process.managed;
    for (const auto& [name, machine] : estate_.machines()) {
        for (const auto& [key, other] : machine->processes()) {
            is_alone &= other->directory() != directory || other->key == process.key;
        }
    }
    directory->is_touched |= !is_alone;
    if (directory->noted && !directory->is_touched)
        ground_.broken("P3", fmt::format("{} moves while its state is noted", process.label));
}

void Promises::on_let_run(const Process& process) {
    on_move(process);
    if (!process.managed) return;
    for (const auto& [name, machine] : estate_.machines()) {
        for (const auto& [key, other] : machine->processes()) {
            const bool twice = other->storage == process.storage && other->managed && other->ran &&
                               other->key != process.key && other->below == process.below;
            if (!twice || declared_dead_.contains(key)) continue;
            ground_.broken("P6",
                           fmt::format("{} was started twice: {} pid {} and pid {}",
                                       process.label,
                                       name,
                                       key.pid,
                                       process.key.pid));
        }
    }
}

bool Promises::may_cut(const Process& process) const {
    const auto [from, to] = asked_of_.equal_range(process.label);
    return std::any_of(from, to, [&](const auto& item) {
        const auto& asked = asked_.at(item.second);
        const auto& action = asked.action;
        if (action.verb == Verb::Kill) return true;
        if (action.verb != Verb::Shutdown) return false;
        if (action.force) return true;
        auto deadline = action.deadline;
        for (const auto& [name, storage] : estate_.storages()) {
            for (const auto& [below, directory] : storage->directories) {
                if (!deadline && directory.label == process.label) deadline = directory.grace;
            }
        }
        if (action.always_cut && !action.deadline) deadline = seconds{20};
        return deadline && ground_.schedule.now() - asked.at >= *deadline &&
               (announced_.contains(process.label) || *deadline == Duration{0});
    });
}

void Promises::on_cut(const Process& process, std::string_view how) {
    if (!process.ran || may_cut(process)) return;
    const auto* directory = process.directory();
    if (is_host_stopping || (directory != nullptr && directory->noted)) return;
    // A start that was given up ends what it began.
    const auto age = ground_.schedule.clock().wall - process.started;
    if (process.managed && !started_.contains(process.action) && age < seconds{60}) return;
    ground_.broken("P5",
                   fmt::format("{} cuts {} before its deadline or unasked", how, process.label));
}

void Promises::on_stopped(const Process& process) {
    if (!was_asked(process.label, {Verb::Pause, Verb::Suspend}) && !is_host_stopping)
        ground_.broken("P3", fmt::format("{} is paused, and nobody asked for it", process.label));
}

void Promises::on_reset(const Process& process) {
    unsigned asked = 0;
    const auto [from, to] = asked_of_.equal_range(process.label);
    for (auto it = from; it != to; ++it) {
        const auto verb = asked_.at(it->second).action.verb;
        if (verb == Verb::Reset || verb == Verb::Reboot) ++asked;
    }
    if (++resets_[process.label] > asked)
        ground_.broken("action", fmt::format("{} is reset more often than asked", process.label));
}

void Promises::on_ended(const Process& process) {
    exits_[process.key].process = process;
}

void Promises::on_stream_lost(const std::string& agent) {
    lost_streams_.insert(agent);
    for (auto& [key, exit] : exits_) {
        if (exit.process.agent == agent) exit.excused = true;
    }
}

void Promises::on_reboot(const BootId& boot) {
    for (auto& [key, exit] : exits_) {
        if (key.boot == boot) exit.excused = true;
    }
}

void Promises::on_agent_event(const SimAgent& agent, const Event& event) {
    if (event.kind == EventKind::CutAnnounced) announced_.insert(event.label);
    if (event.kind != EventKind::ActionEnded) return;
    if (++agent_outcomes_[event.action] > 1)
        ground_.broken("action", fmt::format("{} ends an action twice", agent.name()));
    const auto* record = std::get_if<ActionRecord>(&event.payload);
    if (record != nullptr && record->outcome && record->outcome->ok())
        started_.insert(event.action);
}

void Promises::on_spooled(const SimAgent& agent,
                          const agent::Spool& unit,
                          std::size_t bytes,
                          std::size_t limit) {
    std::size_t added = 0;
    for (const auto& event : unit.events) {
        added += event.bytes->size();
        if (const auto decoded = schema::decode_event(view(event.bytes)))
            on_agent_event(agent, *decoded);
    }
    constexpr std::size_t left_behind = 32 * 1024; // units that were under way when it was trimmed
    if (bytes > limit + added + left_behind)
        ground_.broken("P8", fmt::format("the spool of {} is over its limit", agent.name()));
}

void Promises::drop_outcomes(msg::Publish& batch) {
    for (auto& bytes : batch.events) {
        const auto event = schema::decode_event(view(bytes));
        if (event && event->kind == EventKind::ActionEnded)
            bytes = schema::encode_event(Event{.kind = EventKind::WorkerScanned});
    }
}

void Promises::gild_outcomes(msg::Publish& batch) {
    for (auto& bytes : batch.events) {
        auto event = schema::decode_event(view(bytes));
        if (!event || event->kind != EventKind::ActionEnded) continue;
        auto* record = std::get_if<ActionRecord>(&event->payload);
        if (record == nullptr || record->action.plan.is_none()) continue;
        record->outcome = Outcome{};
        bytes = schema::encode_event(*event);
    }
}

void Promises::check_outcome(const ActionRecord& record) {
    if (!record.outcome || record.outcome->ok() || !lost_streams_.empty()) return;
    // What can be judged from what is observed, is (DESIGN: Intents).
    if (record.outcome->error->code == ErrorCode::Indeterminate &&
        is_repeatable(record.action.verb) && record.action.verb != Verb::Scan)
        ground_.broken("action",
                       fmt::format("nobody knows how {} ended", to_string(record.action.verb)));
}

void Promises::on_recorded(const broker::Append& append) {
    if (append.recorded < last_recorded_) ground_.broken("P2", "recorded time goes back");
    last_recorded_ = append.recorded;
    const auto event = schema::decode_event(view(append.bytes));
    if (!event) return ground_.broken("P2", "the journal holds what cannot be decoded");
    ground_.mix(append.topic);
    ground_.tell([&] {
        return fmt::format("    #{} {} {} {}: {}",
                           append.sequence,
                           event->label,
                           event->worker_name,
                           to_string(event->kind),
                           event->text);
    });
    if (event->kind == EventKind::ActionEnded && ++outcomes_[event->action] > 1) {
        ground_.broken("action",
                       fmt::format("two outcomes are recorded of one action: {}", event->text));
    }
    if (event->kind == EventKind::ActionBegun && ++begun_[event->action] > 1)
        ground_.broken("P2", "an event of a stream is recorded twice");
    if (const auto* record = std::get_if<ActionRecord>(&event->payload)) {
        check_outcome(*record);
        if (event->kind == EventKind::ActionRequested) on_order(*record);
    }
    if (tell_event) tell_event(*event);
    const auto* row = std::get_if<InstanceRecord>(&event->payload);
    if (row == nullptr || !row->ended) return;
    if (row->unverified && row->ended->by == EndedBy::Host) check_concluded(*row);
    const auto exit = exits_.find(row->key);
    if (exit == exits_.end()) return;
    const auto& truth = *exit->second.process.ended;
    // What the broker inferred, or an agent that could only watch, knows no cause.
    if (row->ended->at != truth.at || row->ended->by != truth.by) return;
    if (++exit->second.recorded > 1)
        ground_.broken("P2",
                       fmt::format("the end of one process of {} is recorded twice", row->label));
}

void Promises::check_concluded(const InstanceRecord& row) {
    if (declared_dead_.contains(row.key)) return;
    for (const auto& [name, machine] : estate_.machines()) {
        if (machine->find(row.key) && !machine->is_asleep) // else it is in a state on disk
            ground_.broken("P6",
                           fmt::format("{} is said to have ended with its carrier, and runs on {}",
                                       row.label,
                                       name));
    }
}

void Promises::on_sent(const Envelope& envelope, const MapStore& store) {
    const auto newest = store.range().second;
    if (const auto* ack = std::get_if<msg::Acknowledge>(&envelope.body)) {
        bool durable = false;
        for (const auto& [id, worker] : store.workers()) {
            durable |= worker.mark.stream == ack->stream && worker.mark.sequence >= ack->sequence;
        }
        if (!durable && ack->sequence > 0)
            ground_.broken("P2", "events are acknowledged before they are durable");
    } else if (const auto* command = std::get_if<msg::Command>(&envelope.body)) {
        const auto action = store.actions().find(command->action.id);
        if (action == store.actions().end()) {
            ground_.broken("P2", "an action is dispatched before it is durable");
        } else if (action->second.action.deadline != command->action.deadline) {
            ground_.broken("P5", "a worker is told another deadline than was stored");
        }
    } else if (const auto* accepted = std::get_if<msg::Accepted>(&envelope.body)) {
        if (!store.actions().contains(accepted->action))
            ground_.broken("P2", "an action is accepted before it is durable");
    } else if (const auto* events = std::get_if<msg::WatchEvents>(&envelope.body)) {
        if (events->position.epoch == store.epoch() && events->position.sequence > newest)
            ground_.broken("P2", "a watcher is shown what is not durable");
    }
}

} // namespace ctys::sim
