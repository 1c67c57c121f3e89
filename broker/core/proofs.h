#pragma once

#include "broker/core/roster.h"

#include <map>
#include <set>

namespace ctys::broker {

/// Which workers reach one and the same storage under a pool marker. Equal markers prove nothing (a
/// pool may have been copied): a worker that is known writes a nonce file, the other one must find
/// it (FIELD-GUIDE 8). States of (pool, worker):
///
///     state      | registered, pool known elsewhere | nonce written | found  | not found, 3rd time
///     unknown    | writing                          | -             | -      | -
///     writing    | -                                | reading       | -      | -
///     reading    | -                                | -             | proven | separate
/// Where nobody who is proven can be reached the pool waits: the next of them that registers is
/// asked to write for all who wait.
class StorageProofs {
public:
    explicit StorageProofs(NonceId salt) : salt_(salt) {}

    [[nodiscard]] bool proven(const PoolId& pool, const WorkerId& worker) const;
    /// Starts the proofs that a worker's pools need.
    void on_pools(Turn& turn, const Roster& roster, const Member& member);
    /// Returns true when the worker's paths below the pool are proven now.
    bool on_proof(Turn& turn,
                  const Roster& roster,
                  const Member& member,
                  const msg::StorageProof& proof);
    void on_tick(Turn& turn, const Roster& roster);
    void forget(const WorkerId& worker);

private:
    static constexpr int attempts = 3;
    static constexpr Duration retry_after = std::chrono::seconds{5};

    struct Proof {
        WorkerId writer;
        std::string reader_root;
        std::string nonce;
        bool written = false;
        int tries = 0;
        Instant since;
    };
    void prove(Turn& turn, const Roster& roster, const PoolReport& pool, const WorkerId& reader);
    void begin(
        Turn& turn, const Roster& roster, const PoolId& pool, const WorkerId& reader, Proof& proof);
    [[nodiscard]] const Member* find_writer(const Roster& roster, const PoolId& pool) const;

    NonceId salt_;
    std::uint64_t count_ = 0;
    std::map<PoolId, std::set<WorkerId>> proven_;
    std::map<std::pair<PoolId, WorkerId>, Proof> running_;
};

} // namespace ctys::broker
