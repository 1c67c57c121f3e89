#include "broker/core/roster.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

EventKind kind_of(WorkerState state) {
    switch (state) {
    case WorkerState::Alive:
        return EventKind::WorkerAlive;
    case WorkerState::Suspect:
        return EventKind::WorkerSuspect;
    case WorkerState::Lost:
        return EventKind::WorkerLost;
    case WorkerState::Paused:
        return EventKind::WorkerPaused;
    }
    return EventKind::WorkerFact;
}

Event about(const Member& member, EventKind kind, std::string text) {
    Event event{.kind = kind};
    event.worker = member.record.id;
    event.worker_name = member.record.name;
    event.text = std::move(text);
    return event;
}

} // namespace

void Roster::load(std::vector<WorkerRecord> workers, bool doubtful, Now now) {
    begun_ = now.instant;
    doubtful_ = doubtful;
    for (auto& worker : workers) {
        Member member;
        member.heard = now.instant; // its silence is counted from here
        // Nobody has spoken to this broker yet: what was alive is not known to be.
        if (worker.state == WorkerState::Alive) worker.state = WorkerState::Suspect;
        if (worker.state != WorkerState::Lost) settling_.insert(worker.id);
        member.paused = now.instant;
        claim(worker.id, {}, worker.platform);
        member.record = std::move(worker);
        members_.emplace(member.record.id, std::move(member));
    }
}

Member* Roster::find(const WorkerId& id) {
    const auto found = members_.find(id);
    return found == members_.end() ? nullptr : &found->second;
}

const Member* Roster::find(const WorkerId& id) const {
    const auto found = members_.find(id);
    return found == members_.end() ? nullptr : &found->second;
}

Member* Roster::find_peer(const PeerId& peer) {
    const auto found = peers_.find(peer);
    return found == peers_.end() ? nullptr : find(found->second);
}

std::string Roster::name_of(const WorkerId& id) const {
    const auto* member = find(id);
    return member != nullptr ? member->record.name : id.to_string();
}

Result<const Member*> Roster::require_name(std::string_view name) const {
    std::vector<const Member*> named;
    std::vector<const Member*> hosted;
    for (const auto& [id, member] : members_) {
        if (id.to_string() == name) return &member;
        if (member.record.name == name) named.push_back(&member);
        if (member.record.host == name) hosted.push_back(&member);
    }
    const auto& found = named.empty() ? hosted : named;
    if (found.empty()) {
        return fail(
            ErrorCode::NotFound, fmt::format("no worker is called {}", name), "ctys workers");
    }
    if (found.size() == 1) return found.front();
    std::vector<std::string> candidates;
    for (const auto* member : found) {
        candidates.push_back(fmt::format(
            "{} on {}, id {}", member->record.name, member->record.host, member->record.id));
    }
    return fail(ErrorCode::Ambiguous,
                named.empty() ? fmt::format("{} workers are on host {}", found.size(), name)
                              : fmt::format("{} workers are called {}", found.size(), name),
                "ctys workers",
                std::move(candidates));
}

void Roster::excuse(Duration gap, Now now) {
    begun_ = begun_ + gap;
    for (auto& [id, member] : members_) {
        member.heard = std::min(now.instant, member.heard + gap);
        if (member.challenger)
            member.challenger->since = std::min(now.instant, member.challenger->since + gap);
    }
}

Result<std::optional<WorkerId>>
Roster::require_worker(const std::optional<std::string>& name) const {
    if (!name) return std::nullopt;
    const auto member = require_name(*name);
    if (!member) return tl::unexpected(member.error());
    return (*member)->record.id;
}

void Roster::set_state(Turn& turn, Member& member, WorkerState state) {
    const auto silence = turn.now().instant - member.heard;
    set_state(turn,
              member,
              state,
              state == WorkerState::Alive ? std::string{"heard again"}
                                          : fmt::format("silent for {}", to_short_text(silence)));
}

void Roster::set_state(
    Turn& turn, Member& member, WorkerState state, std::string text, Facts facts) {
    if (member.record.state == state) return;
    member.record.state = state;
    member.record.state_since = turn.now().wall;
    auto event = about(member, kind_of(state), std::move(text));
    event.data = std::move(facts);
    turn.record(std::move(event));
    turn.put(member.record);
    if (state == WorkerState::Lost) settle(turn, member.record.id);
}

void Roster::lose(Turn& turn, Member& member, std::string text, Facts facts) {
    disconnect(member);
    member.exchanging = false;
    member.named = {};
    member.challenger.reset(); // it stood on the same machine
    set_state(turn, member, WorkerState::Lost, std::move(text), std::move(facts));
}

void Roster::pause(Turn& turn, Member& member, std::string text) {
    member.paused = turn.now().instant;
    set_state(turn, member, WorkerState::Paused, std::move(text));
}

void Roster::resume(Turn& turn, Member& member, std::string text) {
    if (member.record.state != WorkerState::Paused) return;
    member.heard = turn.now().instant;
    set_state(turn, member, WorkerState::Suspect, std::move(text));
}

void Roster::claim(const WorkerId& id, const Uuid& before, const Uuid& platform) {
    if (before == platform) return;
    if (const auto found = claims_.find(before); found != claims_.end()) {
        found->second.erase(id);
        if (found->second.empty()) claims_.erase(found);
    }
    if (platform.identifies()) claims_[platform].insert(id);
}

const std::set<WorkerId>& Roster::claims(const Uuid& platform) const {
    static const std::set<WorkerId> nobody;
    const auto found = claims_.find(platform);
    return found == claims_.end() ? nobody : found->second;
}

void Roster::settle(Turn& turn, const WorkerId& id) {
    const bool was_settling = settling_.erase(id) > 0;
    // A journal that knows no worker at all waits for its full time: who would be missing?
    if (!was_settling || !settling_.empty()) return;
    if (std::exchange(doubtful_, false)) turn.write(PutTrusted{});
}

void Roster::on_exchanged(Turn& turn, const Member& member) {
    settle(turn, member.record.id);
}

Member* Roster::accept(Turn& turn, const PeerId& peer, const msg::AgentHello& hello) {
    auto [found, is_new] = members_.try_emplace(hello.worker.id);
    auto& member = found->second;
    const bool is_return = !is_new && member.record.nonce == hello.worker.nonce;
    if (member.peer) peers_.erase(*member.peer);
    const auto kept = member.record;
    const bool is_other_boot = is_new || kept.boot != hello.worker.boot;
    member.record = hello.worker;
    claim(hello.worker.id, kept.platform, hello.worker.platform);
    // What the broker knows about a worker is not the worker's to say.
    member.record.mark = kept.mark;
    member.record.draining = kept.draining;
    member.record.fenced = false; // it is back; what it runs will show in its exchange
    member.record.ended = false;
    member.record.rival = is_return ? kept.rival : std::string{};
    member.record.state = WorkerState::Alive;
    member.record.state_since =
        is_new || kept.state != WorkerState::Alive ? turn.now().wall : kept.state_since;
    member.record.last_seen = turn.now().wall;
    member.record.booted = is_other_boot ? turn.now().wall : kept.booted;
    member.peer = peer;
    member.heard = turn.now().instant;
    member.exchanging = false;
    member.named = {};
    member.challenger.reset();
    peers_[peer] = hello.worker.id;
    if (!is_return) {
        turn.record(about(member,
                          EventKind::WorkerRegistered,
                          fmt::format("agent {} on {}", hello.worker.version, hello.worker.host)));
    } else if (kept.state != WorkerState::Alive) {
        turn.record(about(member, EventKind::WorkerAlive, "heard again"));
    }
    turn.put(member.record);
    return &member;
}

bool Roster::is_shared(const BootId& boot) const {
    return std::count_if(members_.begin(), members_.end(), [&](const auto& item) {
               return item.second.record.boot == boot;
           }) > 1;
}

Member* Roster::find_rival(const PeerId& peer, const WorkerRecord& newcomer) {
    const auto is_rival = [&](const Member& member) {
        return member.peer && *member.peer != peer && member.record.state != WorkerState::Lost &&
               member.record.nonce != newcomer.nonce;
    };
    if (auto* same = find(newcomer.id); same != nullptr && is_rival(*same)) return same;
    // Where a machine does not tell its UUID each state folder makes an identity of its own; people
    // have nothing but the name.
    for (auto& [id, member] : members_) {
        if (id != newcomer.id && member.record.name == newcomer.name && is_rival(member))
            return &member;
    }
    return nullptr;
}

Member* Roster::on_hello(Turn& turn,
                         const PeerId& peer,
                         std::uint64_t correlation,
                         const msg::AgentHello& hello) {
    // One connection speaks for one worker: a process that changed its mind starts over.
    if (auto* other = find_peer(peer); other != nullptr && other->record.id != hello.worker.id) {
        other->peer.reset();
        peers_.erase(peer);
    }
    auto* member = find_rival(peer, hello.worker);
    if (member == nullptr) return accept(turn, peer, hello);
    member->challenger = Member::Challenger{peer, correlation, hello, turn.now().instant};
    turn.send(*member->peer, 0, msg::Ping{turn.now().instant.since_start});
    return nullptr;
}

void Roster::on_heard(Turn& turn, Member& member) {
    const bool is_paused = member.record.state == WorkerState::Paused;
    // What it said before its carrier was paused proves nothing.
    if (is_paused && turn.now().instant - member.paused < under_way) return;
    member.heard = turn.now().instant;
    member.record.last_seen = turn.now().wall;
    set_state(turn, member, WorkerState::Alive);
    if (!member.challenger) return;
    const auto& newcomer = member.challenger->hello.worker;
    auto duplicate = about(
        member,
        EventKind::WorkerDuplicate,
        fmt::format("a second agent on {} claims to be this worker and is refused", newcomer.host));
    if (std::exchange(member.refused, newcomer.nonce) != newcomer.nonce)
        turn.record(std::move(duplicate));
    member.refused_at = turn.now().instant;
    auto rival = fmt::format("a second agent of this name, on {}, is refused", newcomer.host);
    if (std::exchange(member.record.rival, rival) != rival) turn.put(member.record);
    turn.release(
        member.challenger->peer,
        member.challenger->correlation,
        msg::Failure{Error{.code = ErrorCode::Conflict,
                           .message = fmt::format("duplicate worker: {} is registered by another "
                                                  "live agent on {}",
                                                  member.record.name,
                                                  member.record.host),
                           .try_next = "give this agent another --name, or end the other one"}});
    member.challenger.reset();
}

bool Roster::is_awaited(const WorkerId& id) const {
    if (is_settling(id)) return true;
    const auto* member = find(id);
    return member != nullptr && !member->peer && member->record.state != WorkerState::Lost &&
           member->record.state != WorkerState::Paused;
}

std::optional<Member::Challenger> Roster::on_unreachable(const PeerId& peer) {
    auto* member = find_peer(peer);
    if (member == nullptr) return std::nullopt;
    peers_.erase(peer);
    member->peer.reset();
    return std::exchange(member->challenger, std::nullopt);
}

std::vector<Member::Challenger> Roster::on_tick(Turn& turn) {
    std::vector<Member::Challenger> accepted;
    for (auto& [id, member] : members_) {
        if (member.challenger && turn.now().instant - member.challenger->since >= challenge_time) {
            // The old one did not answer: it hangs or is cut off, and is superseded.
            disconnect(member);
            accepted.push_back(*std::exchange(member.challenger, std::nullopt));
            continue;
        }
        if (!member.record.rival.empty() && turn.now().instant - member.refused_at >= rival_gone) {
            member.record.rival.clear();
            turn.put(member.record);
        }
        if (member.peer) turn.send(*member.peer, 0, msg::Ping{turn.now().instant.since_start});
        const auto silence = turn.now().instant - member.heard;
        if (member.record.state == WorkerState::Paused) continue;
        if (silence >= lost_after) {
            set_state(turn, member, WorkerState::Lost);
        } else if (silence >= suspect_after && member.record.state == WorkerState::Alive) {
            set_state(turn, member, WorkerState::Suspect);
        }
    }
    if (turn.now().instant - begun_ >= lost_after) {
        settling_.clear();
        if (std::exchange(doubtful_, false)) turn.write(PutTrusted{});
    }
    return accepted;
}

void Roster::on_farewell(Turn& turn, Member& member) {
    disconnect(member);
    member.record.ended = true;
    turn.put(member.record);
    set_state(turn, member, WorkerState::Suspect, "its agent has ended in order; its VMs go on");
}

void Roster::disconnect(Member& member) {
    if (member.peer) peers_.erase(*member.peer);
    member.peer.reset();
}

void Roster::forget(Turn& turn,
                    const WorkerId& id,
                    const std::string& by,
                    const std::string& reason) {
    const auto found = members_.find(id);
    if (found == members_.end()) return;
    auto event = about(found->second, EventKind::WorkerForgotten, {});
    event.by = by;
    if (!reason.empty()) event.data.emplace_back("reason", reason);
    turn.record(std::move(event));
    turn.write(EraseWorker{id});
    claim(id, found->second.record.platform, {});
    if (found->second.peer) peers_.erase(*found->second.peer);
    settle(turn, id);
    members_.erase(found);
}

} // namespace ctys::broker
