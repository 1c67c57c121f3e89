#include "broker/core/proofs.h"

#include "mesh/core/digest.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

const PoolReport* find_pool(const WorkerRecord& worker, const PoolId& pool) {
    const auto found = std::find_if(worker.pools.begin(),
                                    worker.pools.end(),
                                    [&](const PoolReport& p) { return p.id == pool; });
    return found == worker.pools.end() ? nullptr : &*found;
}

} // namespace

bool StorageProofs::proven(const PoolId& pool, const WorkerId& worker) const {
    const auto found = proven_.find(pool);
    return found != proven_.end() && found->second.contains(worker);
}

const Member* StorageProofs::find_writer(const Roster& roster, const PoolId& pool) const {
    const auto known = proven_.find(pool);
    if (known == proven_.end()) return nullptr;
    for (const auto& id : known->second) {
        const auto* member = roster.find(id);
        if (member != nullptr && member->reachable() && find_pool(member->record, pool) != nullptr)
            return member;
    }
    return nullptr;
}

void StorageProofs::begin(
    Turn& turn, const Roster& roster, const PoolId& pool, const WorkerId& reader, Proof& proof) {
    const auto* writer = find_writer(roster, pool);
    if (writer == nullptr) return; // waits for one; that is no failed attempt
    const auto* report = find_pool(writer->record, pool);
    const auto text = fmt::format("{} {} {} {}", salt_, pool, reader, ++count_);
    proof.writer = writer->record.id;
    proof.nonce = fmt::format("{:016x}{:016x}", digest(text, 1), digest(text, 2));
    proof.written = false;
    proof.since = turn.now().instant;
    ++proof.tries;
    turn.release(
        *writer->peer,
        0,
        msg::ProveStorage{.pool = pool, .root = report->root, .nonce = proof.nonce, .write = true});
}

void StorageProofs::prove(Turn& turn,
                          const Roster& roster,
                          const PoolReport& pool,
                          const WorkerId& reader) {
    if (proven(pool.id, reader) || find_writer(roster, pool.id) == nullptr) return;
    auto [proof, is_new] = running_.try_emplace({pool.id, reader});
    if (!is_new) return;
    proof->second.reader_root = pool.root;
    begin(turn, roster, pool.id, reader, proof->second);
}

void StorageProofs::on_pools(Turn& turn, const Roster& roster, const Member& member) {
    const auto& id = member.record.id;
    for (const auto& pool : member.record.pools) {
        if (pool.id.is_none()) continue;
        auto& known = proven_[pool.id];
        if (known.empty()) known.insert(id); // the first is what the others are compared with
        if (!known.contains(id)) {
            prove(turn, roster, pool, id);
            continue;
        }
        // It may be the one that others have waited for.
        for (const auto& [other, candidate] : roster.members()) {
            const auto* theirs = find_pool(candidate.record, pool.id);
            if (other != id && theirs != nullptr && candidate.reachable())
                prove(turn, roster, *theirs, other);
        }
    }
}

void StorageProofs::forget(const WorkerId& worker) {
    for (auto& [pool, known] : proven_) {
        known.erase(worker);
    }
    std::erase_if(running_, [&](const auto& item) { return item.first.second == worker; });
}

bool StorageProofs::on_proof(Turn& turn,
                             const Roster& roster,
                             const Member& member,
                             const msg::StorageProof& proof) {
    const auto found = std::find_if(running_.begin(), running_.end(), [&](const auto& item) {
        return item.first.first == proof.pool && item.second.nonce == proof.nonce;
    });
    if (found == running_.end()) return false;
    const auto reader = found->first.second;
    if (proof.write) {
        const auto* other = roster.find(reader);
        if (!proof.found || member.record.id != found->second.writer || other == nullptr ||
            !other->peer)
            return false;
        found->second.written = true;
        turn.release(*other->peer,
                     0,
                     msg::ProveStorage{.pool = proof.pool,
                                       .root = found->second.reader_root,
                                       .nonce = proof.nonce,
                                       .write = false});
        return false;
    }
    if (member.record.id != reader || !proof.found) return false;
    proven_[proof.pool].insert(reader);
    running_.erase(found);
    return true;
}

void StorageProofs::on_tick(Turn& turn, const Roster& roster) {
    for (auto it = running_.begin(); it != running_.end();) {
        auto& [key, proof] = *it;
        if (turn.now().instant - proof.since < retry_after) {
            ++it;
        } else if (proof.tries >= attempts) {
            it = running_.erase(it); // stays unproven; a new registration tries again
        } else {
            begin(turn, roster, key.first, key.second, proof);
            proof.since = turn.now().instant;
            ++it;
        }
    }
}

} // namespace ctys::broker
