// The part of the core that speaks with agents: registration, streams, full exchanges, fencing.

#include "broker/core/core.h"
#include "mesh/core/digest.h"
#include "schema/codec.h"

#include <fmt/format.h>

namespace ctys::broker {

namespace {

Event about(const Member& member, EventKind kind, std::string text) {
    Event event{.kind = kind};
    event.worker = member.record.id;
    event.worker_name = member.record.name;
    event.text = std::move(text);
    return event;
}

/// What an agent may say: things of its own VMs, paths, actions and itself. The rest is the
/// broker's word, and a key of an agent must not forge it. Kinds of a newer version are kept as
/// they are.
bool may_publish(const Event& event, const WorkerId& worker) {
    if (event.worker != worker) return false;
    switch (family(event.kind)) {
    case EventFamily::Vm:
        return event.kind != EventKind::Conflict && event.kind != EventKind::ConflictEnded;
    case EventFamily::Path:
        return event.kind != EventKind::PathProven;
    case EventFamily::Worker:
        return event.kind == EventKind::WorkerPool || event.kind == EventKind::WorkerScanned ||
               event.kind == EventKind::WorkerFact || event.kind == EventKind::WorkerHostStop;
    case EventFamily::Action:
        return event.kind == EventKind::ActionBegun || event.kind == EventKind::ActionProgress ||
               event.kind == EventKind::ActionEnded;
    case EventFamily::Audit:
        return false;
    case EventFamily::Unknown:
        return true;
    }
    return false;
}

/// Decodes and checks what a worker published.
Result<Event> accept_event(const SharedBytes& bytes, const WorkerId& worker) {
    auto event = schema::decode_event(view(bytes));
    if (event && !may_publish(*event, worker)) {
        return fail(ErrorCode::Refused,
                    fmt::format("an agent may not publish {} of worker {}",
                                to_string(event->kind),
                                event->worker));
    }
    return event;
}

Event rejected(const Member& member, const SharedBytes& bytes, const Error& error) {
    auto event = about(member, EventKind::WorkerRejected, error.message);
    event.data = {{"size", std::to_string(bytes->size())},
                  {"digest", fmt::format("{:016x}", digest(view(bytes)))}};
    return event;
}

} // namespace

bool BrokerCore::is_ahead(const Cursor& acknowledged) const {
    // Once is enough: while the new epoch is doubtful another claim is a gap of that worker. A
    // lying agent moves the epoch every ten seconds at most, and never out of what a clock could
    // give.
    constexpr std::uint64_t newest_epoch = 1ULL << 40U;
    return !roster_.is_doubtful() && acknowledged > head_ && acknowledged.epoch < newest_epoch;
}

void BrokerCore::register_worker(Turn& turn,
                                 const PeerId& peer,
                                 std::uint64_t correlation,
                                 const msg::AgentHello& hello) {
    if (is_ahead(hello.acknowledged)) {
        // What watchers and agents were told is gone; nobody may take the journal for the old one.
        is_over_ = true;
        return turn.begin_epoch(
            hello.acknowledged.epoch,
            fmt::format("{} was told of events up to {}, the journal ends at {}",
                        hello.worker.name,
                        hello.acknowledged,
                        turn.head()));
    }
    const auto* before = roster_.find(hello.worker.id);
    const bool is_reboot = before != nullptr && before->record.boot != hello.worker.boot;
    const bool was_paused = before != nullptr && before->record.state == WorkerState::Paused;
    auto* member = roster_.on_hello(turn, peer, correlation, hello);
    if (member == nullptr) return;
    // Only now: what a cloned machine claims says nothing about the one that is alive.
    if (is_reboot) folder_.on_reboot(turn, *member, hello.worker.boot);
    if (was_paused) carried_.on_heard(turn, *member);
    auto& mark = member->record.mark;
    std::string why;
    if (mark.stream != hello.end.stream) {
        if (!mark.stream.is_none()) why = "its stream is a new one";
        mark = StreamMark{.stream = hello.end.stream, .sequence = hello.first_kept - 1, .hash = 0};
    } else if (hello.acknowledged.epoch == head_.epoch &&
               hello.acknowledged.sequence > head_.sequence) {
        why = "it was told of events this journal does not have";
    } else if (hello.end.sequence < mark.sequence) {
        why = "its stream is behind what was applied";
        mark.sequence = hello.end.sequence;
        mark.hash = hello.end.hash;
    } else if (hello.first_kept > mark.sequence + 1) {
        why = fmt::format(
            "its spool no longer has {} to {}", mark.sequence + 1, hello.first_kept - 1);
        mark.sequence = hello.first_kept - 1;
        mark.hash = 0;
    }
    if (!why.empty()) turn.record(about(*member, EventKind::WorkerGap, why));
    // A full exchange is cheap (only differences are recorded) and settles whatever was missed.
    member->exchanging = true;
    turn.put(member->record);
    turn.release(peer,
                 correlation,
                 msg::Welcome{.broker = settings_.nonce,
                              .session = turn.now().instant.since_start,
                              .mark = mark,
                              .full = true,
                              .version = settings_.version});
    proofs_.on_pools(turn, roster_, *member);
    plans_.on_registered(turn, member->record);
    dispatcher_.on_registered(turn, *member);
    dispatcher_.decide_held(turn);
}

void BrokerCore::demand_exchange(Turn& turn, Member& member, std::string why) {
    turn.record(about(member, EventKind::WorkerGap, std::move(why)));
    member.exchanging = true;
    member.named = {};
    turn.put(member.record);
    turn.release(*member.peer,
                 0,
                 msg::Welcome{.broker = settings_.nonce,
                              .session = turn.now().instant.since_start,
                              .mark = member.record.mark,
                              .full = true,
                              .version = settings_.version});
}

void BrokerCore::on_member(Turn& turn,
                           Member& member,
                           const Received& /*from*/,
                           const msg::Publish& publish) {
    if (publish.full) return apply_full(turn, member, publish);
    apply_batch(turn, member, publish);
}

void BrokerCore::apply_batch(Turn& turn, Member& member, const msg::Publish& publish) {
    auto& mark = member.record.mark;
    const auto acknowledge = [&] {
        turn.release(
            *member.peer, 0, msg::Acknowledge{mark.stream, mark.sequence, mark.hash, turn.head()});
    };
    if (publish.stream != mark.stream)
        return demand_exchange(turn, member, "events of another stream");
    if (publish.first > mark.sequence + 1) {
        // What lies between was lost with a connection, and the agent may still have it: its hello
        // tells from where it can go on.
        return turn.release(*member.peer,
                            0,
                            msg::Failure{Error{.code = ErrorCode::Expired,
                                               .message = fmt::format(
                                                   "events {} to {} are missing; say hello again",
                                                   mark.sequence + 1,
                                                   publish.first - 1)}});
    }
    auto hash = publish.hash_before;
    bool is_mismatch = publish.first == mark.sequence + 1 && mark.hash != 0 && hash != mark.hash;
    for (std::size_t i = 0; i < publish.events.size(); ++i) {
        const auto sequence = publish.first + i;
        const auto& bytes = publish.events[i];
        hash = digest(view(bytes), hash);
        if (sequence <= mark.sequence) {
            // Sent again: acknowledged, not applied. The hash tells whether it is the same stream.
            if (sequence == mark.sequence && mark.hash != 0 && hash != mark.hash)
                is_mismatch = true;
            continue;
        }
        auto event = accept_event(bytes, member.record.id);
        if (!event) {
            turn.record(rejected(member, bytes, event.error()));
        } else {
            const bool has_pools = std::holds_alternative<WorkerRecord>(event->payload);
            const bool keep = family(event->kind) != EventFamily::Action ||
                              dispatcher_.on_event(turn, member, *event);
            if (keep) folder_.fold(turn, member, *event, bytes);
            if (has_pools) proofs_.on_pools(turn, roster_, member);
        }
        mark.sequence = sequence;
        mark.hash = hash;
    }
    turn.put(member.record);
    if (is_mismatch) {
        mark.hash = hash;
        demand_exchange(turn, member, "its stream differs from what was applied");
    }
    acknowledge();
}

void BrokerCore::apply_full(Turn& turn, Member& member, const msg::Publish& publish) {
    if (!member.exchanging || publish.stream != member.record.mark.stream) return;
    for (const auto& bytes : publish.events) {
        auto event = accept_event(bytes, member.record.id);
        if (!event) {
            turn.record(rejected(member, bytes, event.error()));
            continue;
        }
        folder_.fold_fact(turn, member, *event, bytes);
    }
    if (!publish.last) return;
    folder_.end_exchange(turn, member);
    roster_.on_exchanged(turn, member);
    dispatcher_.on_exchanged(turn, member);
    turn.put(member.record);
    const auto& mark = member.record.mark;
    turn.release(
        *member.peer, 0, msg::Acknowledge{mark.stream, mark.sequence, mark.hash, turn.head()});
    dispatcher_.decide_held(turn);
}

void BrokerCore::on_member(Turn& turn,
                           Member& member,
                           const Received& /*from*/,
                           const msg::StorageProof& proof) {
    if (!proofs_.on_proof(turn, roster_, member, proof)) return;
    folder_.prove(
        turn,
        member,
        [&](const PathRecord& path) { return path.storage.pool == proof.pool; },
        "same storage");
}

void BrokerCore::fence(Turn& turn,
                       const Received& from,
                       const msg::Administer& administer,
                       const Member& member) {
    auto record = member.record;
    record.fenced = true;
    const auto freed = leases_.fence(turn, record.id);
    folder_.on_fenced(turn, member);
    auto event = about(
        member,
        EventKind::WorkerFenced,
        fmt::format("by {}: {} VMs are declared dead there", from.principal.name, freed.size()));
    event.by = from.principal.name;
    if (!administer.reason.empty()) event.data.emplace_back("reason", administer.reason);
    turn.record(std::move(event));
    auto& entry = *roster_.find(record.id);
    entry.record.fenced = true;
    roster_.disconnect(entry);
    turn.put(std::move(record));
    dispatcher_.on_worker_gone(turn, member.record.id, "its worker was fenced");
    dispatcher_.decide_held(turn);
    turn.release(from.peer,
                 from.envelope.correlation,
                 msg::Done{fmt::format("{} fenced; {} VMs may be started elsewhere",
                                       member.record.name,
                                       freed.size())});
}

void BrokerCore::on_body(Turn& turn, const Received& from, const msg::Administer& administer) {
    const auto refuse = [&](Error error) {
        turn.release(from.peer, from.envelope.correlation, msg::Failure{std::move(error)});
    };
    if (refuse_degraded(turn, from)) return;
    if (auto allowed = check_permission(from.principal, Permission::Administer); !allowed) {
        audit_.on_refused(
            turn,
            from.principal,
            fmt::format("administer {}: {}", administer.subject, allowed.error().message));
        return refuse(allowed.error());
    }
    if (administer.what == msg::Administer::What::TrustPool) {
        return refuse(Error{.code = ErrorCode::Unsupported,
                            .message = "pools are trusted by the agent that has them",
                            .try_next = "on that machine: ctys pool trust DIR"});
    }
    const auto named = roster_.require_name(administer.subject);
    if (!named) return refuse(named.error());
    const auto* member = *named;
    // After a restart of the broker this takes its ten seconds too: the worker may be about to
    // call.
    const bool is_alive = member->record.state != WorkerState::Lost;
    if (is_alive) {
        return refuse(Error{
            .code = ErrorCode::Conflict,
            .message = fmt::format("{} is {}; only one that is lost can be fenced or forgotten",
                                   member->record.name,
                                   to_string(member->record.state))});
    }
    if (administer.what == msg::Administer::What::FenceWorker)
        return fence(turn, from, administer, *member);
    for (const auto& [vm, lease] : leases_.all()) {
        if (lease.worker != member->record.id) continue;
        return refuse(Error{.code = ErrorCode::Conflict,
                            .message = fmt::format("{} may still run VMs", member->record.name),
                            .try_next = fmt::format("ctys worker fence {}", member->record.name)});
    }
    dispatcher_.on_worker_gone(turn, member->record.id, "its worker was forgotten");
    const auto name = member->record.name;
    folder_.forget(turn, *member);
    proofs_.forget(member->record.id);
    roster_.forget(turn, WorkerId{member->record.id}, from.principal.name, administer.reason);
    dispatcher_.decide_held(turn);
    turn.release(
        from.peer, from.envelope.correlation, msg::Done{fmt::format("{} is forgotten", name)});
}

} // namespace ctys::broker
