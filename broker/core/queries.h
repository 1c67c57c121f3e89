#pragma once

#include "broker/core/dispatcher.h"
#include "broker/core/watches.h"

#include <map>

namespace ctys::broker {

/// Everything a query may look at. The inventory is the durable one: nothing is shown before it is
/// on disk (P2).
struct Sources {
    const InventoryView& inventory;
    const JournalView& journal;
    const Roster& roster;
    const Leases& leases;
    const Dispatcher& dispatcher;
    const Plans& plans;
    const Watches& watches;
    const RowIndex& index;
    Cursor head;
    const StatusRow& status; ///< what the shell knows: version, pid, store size, warnings
};

/// Answers as streams of rows under credit: a 100,000-row answer neither blocks the loop nor fills
/// memory, and a tool that has gone costs nothing.
class Queries {
public:
    static constexpr std::size_t most = 256;
    static constexpr std::size_t rows_per_message = 256;
    /// A row is at most 2 MiB (schema/limits.h), a message 4.
    static constexpr std::size_t bytes_per_message = 1U << 20;
    /// Rows that may be under way to one tool (P8).
    static constexpr std::uint32_t most_credit = 65536;
    static constexpr Duration silence = std::chrono::seconds{30};

    void open(Turn& turn,
              const Sources& sources,
              const PeerId& peer,
              std::uint64_t correlation,
              const Principal& principal,
              const msg::Ask& ask);
    /// True when the correlation belongs to a query.
    bool add_credit(Turn& turn,
                    const Sources& sources,
                    const PeerId& peer,
                    std::uint64_t correlation,
                    std::uint32_t add);
    void close(const PeerId& peer, std::uint64_t correlation);
    void close_all(const PeerId& peer);
    void on_tick(Turn& turn);
    /// This broker itself did nothing for a while: that was no tool's silence.
    void excuse(Duration gap, Instant now);
    void pump(Turn& turn, const Sources& sources);

private:
    using Key = std::pair<PeerId, std::uint64_t>;
    struct Stream {
        Query query;
        std::optional<Address> address;
        std::optional<WorkerId> worker; ///< that its w: names
        VmId after;                     ///< last row looked at, by the key of the table
        WorkerId after_worker;
        ActionId after_action;
        std::uint64_t after_watch = 0;
        Cursor at;
        std::uint32_t given = 0;
        std::uint32_t credit = 0;
        Instant heard;
    };

    /// The rows of one message in the making.
    struct Page;

    /// False when everything was given.
    bool advance(Turn& turn, const Sources& sources, const Key& key, Stream& stream);
    /// Each goes on behind the last row looked at; true when it has looked at the last one.
    static bool fill_vms(const Turn& turn, const Sources& sources, Stream& stream, Page& page);
    static bool fill_workers(const Sources& sources, Stream& stream, Page& page);
    static bool fill_actions(const Sources& sources, Stream& stream, Page& page);
    static bool fill_watches(const Sources& sources, Stream& stream, Page& page);

    std::map<Key, Stream> streams_;
};

} // namespace ctys::broker
