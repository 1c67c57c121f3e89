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

void StorageProofs::begin(
    Turn& turn, const Roster& roster, const PoolId& pool, const WorkerId& reader, Proof& proof) {
    const auto* writer = roster.find(proof.writer);
    const auto* report = writer != nullptr ? find_pool(writer->record, pool) : nullptr;
    if (report == nullptr || !writer->reachable()) return;
    const auto text = fmt::format("{} {} {} {}", salt_, pool, reader, ++count_);
    proof.nonce = fmt::format("{:016x}{:016x}", digest(text, 1), digest(text, 2));
    proof.written = false;
    proof.since = turn.now().instant;
    ++proof.tries;
    turn.release(
        *writer->peer,
        0,
        msg::ProveStorage{.pool = pool, .root = report->root, .nonce = proof.nonce, .write = true});
}

void StorageProofs::on_pools(Turn& turn, const Roster& roster, const Member& member) {
    const auto& id = member.record.id;
    for (const auto& pool : member.record.pools) {
        if (pool.id.is_none()) continue;
        auto& known = proven_[pool.id];
        if (known.contains(id)) continue;
        const auto writer = std::find_if(known.begin(), known.end(), [&](const WorkerId& other) {
            const auto* candidate = roster.find(other);
            return candidate != nullptr && candidate->reachable() &&
                   find_pool(candidate->record, pool.id) != nullptr;
        });
        if (known.empty()) {
            known.insert(id); // the first one is what the others are compared with
            continue;
        }
        if (writer == known.end()) continue;
        auto [proof, is_new] = running_.try_emplace({pool.id, id});
        if (!is_new) continue;
        proof->second.writer = *writer;
        proof->second.reader_root = pool.root;
        begin(turn, roster, pool.id, id, proof->second);
    }
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
