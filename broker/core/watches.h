#pragma once

#include "broker/core/turn.h"

#include <map>

namespace ctys::broker {

/// Reliable streams of events. A watch is a position in the journal and a credit; it reads forward
/// while it has credit, and is a live tail once it has caught up. It costs no memory that grows:
/// a watcher that does not take its events has no credit, and one that gives no sign of life for
/// 30 s is closed.
class Watches {
public:
    static constexpr Duration silence = std::chrono::seconds{30};
    static constexpr std::size_t most_per_principal = 64;
    static constexpr std::size_t most = 1024;
    /// What may be under way to one watcher: with 700-byte events below the 1 MiB of P8.
    static constexpr std::uint32_t most_credit = 1024;
    /// Events looked at for one watch in one step: a replay must not hold up the loop.
    static constexpr std::size_t budget = 512;

    /// Opens a stream for the request, or answers with a failure.
    void open(Turn& turn,
              const JournalView& journal,
              std::uint64_t epoch,
              const PeerId& peer,
              std::uint64_t correlation,
              const Principal& principal,
              const msg::Watch& watch);
    /// False when there is no such watch.
    bool add_credit(Turn& turn, const PeerId& peer, std::uint64_t correlation, std::uint32_t add);
    void close(const PeerId& peer, std::uint64_t correlation);
    void close_all(const PeerId& peer);
    void on_tick(Turn& turn);
    /// This broker itself did nothing for a while: that was no watcher's silence.
    void excuse(Duration gap, Instant now);

    /// Gives every watch what it may have, up to the durable end of the journal.
    void pump(Turn& turn, const JournalView& journal, std::uint64_t epoch);

    /// Rows in order of their ids.
    [[nodiscard]] std::vector<WatchRow> rows(std::uint64_t newest) const;
    [[nodiscard]] std::size_t count() const { return watches_.size(); }

private:
    using Key = std::pair<PeerId, std::uint64_t>;
    struct Stream {
        std::uint64_t number = 0;
        Principal principal;
        std::vector<Filter> filters;
        std::uint64_t position = 0; ///< last sequence looked at
        std::uint64_t told = 0;     ///< last position the watcher was told
        std::uint32_t credit = 0;
        std::uint64_t stop_at = 0; ///< with stop_at_head; 0: never
        bool stops = false;
        bool caught_up = false;
        std::optional<msg::Gap> gap; ///< to be told first
        Instant heard;
        WallTime since;
    };

    /// False when the stream has ended.
    bool advance(Turn& turn,
                 const JournalView& journal,
                 std::uint64_t epoch,
                 const Key& key,
                 Stream& stream);

    std::map<Key, Stream> watches_;
    std::uint64_t last_number_ = 0;
};

} // namespace ctys::broker
