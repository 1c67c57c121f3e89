#pragma once

#include "agent/core/core.h"

#include <deque>
#include <map>

namespace ctys::sim {

/// What an agent has on disk. Units that were not written when it crashed were never here.
class SimSpool {
public:
    explicit SimSpool(StreamId stream) : stream_(stream) {}

    void write(const agent::Spool& unit);
    void trim(const agent::TrimSpool& trim);
    [[nodiscard]] agent::Recovered recover() const;

    [[nodiscard]] StreamId stream() const { return stream_; }
    [[nodiscard]] std::uint64_t last_sequence() const { return last_sequence_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// Was this action begun here, in this or a former life, and not ended?
    [[nodiscard]] bool has_intent(ActionId action) const { return intents_.contains(action); }

private:
    StreamId stream_;
    std::deque<agent::SpoolEvent> kept_;
    std::size_t bytes_ = 0;
    std::map<ActionId, Intent> intents_;
    std::uint64_t last_sequence_ = 0;
    std::uint64_t hash_ = 0;
    std::uint64_t trimmed_ = 0;
    Cursor acknowledged_;
};

} // namespace ctys::sim
