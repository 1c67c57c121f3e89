#pragma once

#include "broker/core/turn.h"

#include <list>
#include <set>

namespace ctys::broker {

/// For whom an order waits, and what it is told when it may not.
struct Wait {
    std::set<WorkerId> workers; ///< any of them may change the answer; empty: all of them
    bool for_exchange = false;  ///< for what they run, not only for their call
    Error otherwise;            ///< the answer if it does not wait
};

struct HeldOrder {
    PeerId peer;
    std::uint64_t correlation = 0;
    Principal principal;
    msg::Submit submit;
    Instant since;
    Wait wait;
};

/// Orders that would be refused only because a worker has not called again: since this life of the
/// broker began (Roster: settling), or since its agent went away and is not lost yet. They are not
/// durable: a tool whose broker dies submits again.
///
///     order        | worker called / told what it runs | 10 s over, or lost | same id again | peer
///     gone not held     | -                                 | -         | held          | - held
///     | decided anew                      | decided   | answered here | dropped
///
/// "Decided anew" is the decision of any order: admitted, refused, or held on. To cancel a held
/// order answers NotFound: it is no action yet.
class HeldOrders {
public:
    static constexpr std::size_t most = 1024; // P8; more are refused as if nobody could be awaited

    /// False when there is no room.
    [[nodiscard]] bool hold(HeldOrder order);
    /// The same order came again, perhaps over another connection: that one is answered.
    [[nodiscard]] bool repeat(const ActionId& id, const PeerId& peer, std::uint64_t correlation);
    void on_peer_gone(const PeerId& peer);
    /// Takes out, in the order they came, those that `is_over` says need not wait any longer.
    [[nodiscard]] std::vector<HeldOrder> take(const std::function<bool(const HeldOrder&)>& is_over);
    [[nodiscard]] std::size_t count() const { return orders_.size(); }

private:
    std::list<HeldOrder> orders_;
};

} // namespace ctys::broker
