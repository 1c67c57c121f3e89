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
    const Watches& watches;
    Cursor head;
    const StatusRow& status; ///< what the shell knows: version, pid, store size, warnings
};

/// Answers as streams of rows under credit: a 100,000-row answer neither blocks the loop nor fills
/// memory, and a tool that has gone costs nothing.
class Queries {
public:
    static constexpr std::size_t most = 256;
    static constexpr std::size_t rows_per_message = 256;
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
    void on_tick(Turn& turn);
    void pump(Turn& turn, const Sources& sources);

private:
    using Key = std::pair<PeerId, std::uint64_t>;
    struct Stream {
        Query query;
        std::optional<Address> address;
        VmId after; ///< last VM looked at
        Cursor at;
        std::uint32_t given = 0;
        std::uint32_t credit = 0;
        Instant heard;
    };

    bool advance(Turn& turn, const Sources& sources, const Key& key, Stream& stream);
    /// Small answers are given whole.
    [[nodiscard]] static Result<std::vector<Row>>
    whole(Turn& turn, const Sources& sources, const Query& query);

    std::map<Key, Stream> streams_;
};

} // namespace ctys::broker
