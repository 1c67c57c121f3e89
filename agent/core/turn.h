#pragma once

#include "agent/core/effects.h"
#include "mesh/core/time.h"

#include <string>
#include <vector>

namespace ctys::agent {

/// What the stream knows at the start: a new spool, or what a former life of the agent left.
struct StreamStart {
    StreamId stream;
    std::vector<SpoolEvent> kept; ///< not acknowledged, in order, without holes
    std::uint64_t last_sequence = 0;
    std::uint64_t hash = 0; ///< running hash after last_sequence
    Cursor acknowledged;
};

/// One step in the making. Events are numbered and hashed as they are emitted; deeds of the kind
/// "only when durable" are collected beside them.
class Turn {
public:
    Turn(Now now, const WorkerRecord& worker, std::uint64_t& last_sequence, std::uint64_t& hash)
        : now_(now), worker_(worker), last_sequence_(last_sequence), hash_(hash) {}

    [[nodiscard]] const Now& now() const { return now_; }
    [[nodiscard]] const WorkerRecord& worker() const { return worker_; }

    /// Publishes an event; fills worker and, where it is missing, time.
    void emit(Event event);
    void begin(Intent intent);
    void end(ActionId action);
    /// To be done once everything of this step is durable.
    void then(Deed deed);
    /// From now on, what reaches VMs is done at once: a machine that goes down does not wait for
    /// its disk (P4).
    void hurry() { hurries_ = true; }
    /// Durable with this step; replaces what was remembered before.
    void remember(HostMemory memory);
    /// To be done at once.
    void now_do(Effect effect);
    void arm(TimerKey key, Instant at);
    void log(LogLine::Level level, std::string text);

    [[nodiscard]] const std::vector<SpoolEvent>& emitted() const { return spool_.events; }
    [[nodiscard]] Effects finish();

private:
    Now now_;
    const WorkerRecord& worker_;
    std::uint64_t& last_sequence_;
    std::uint64_t& hash_;
    Spool spool_;
    Effects effects_;
    bool hurries_ = false;
};

} // namespace ctys::agent
