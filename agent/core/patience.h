#pragma once

#include "agent/core/turn.h"

#include <map>
#include <optional>
#include <vector>

namespace ctys::agent {

/// Orders that reached a VM of ours before its QEMU had dialled in: just launched, or adopted after
/// a restart of the agent (QEMU redials once a second). Nothing of them is durable yet; they are
/// begun when the monitor is there, or refused as if they had come to a VM without one.
///
///     state   | input                              | next
///     waiting | its monitor is up                  | begun, or refused
///             | its process has ended              | refused: it does not run any more
///             | 5 s, its expiry, its deadline      | refused: no monitor
///             | Withdraw                           | never begun: withdrawn
///             | CancelCommand                      | refused: cancelled
///             | Command with the same id           | -
///             | CommandQuery                       | "running": it is here
///             | the agent dies                     | unknown here: its broker decides
class Patience {
public:
    static constexpr Duration limit = std::chrono::seconds{5};
    /// More than that are refused at once (P8).
    static constexpr std::size_t most = 1024;

    struct Order {
        msg::Command command;
        InstanceKey instance;
        Instant asked; ///< its deadline counts from here
    };

    [[nodiscard]] bool is_full() const { return orders_.size() >= most; }
    [[nodiscard]] bool holds(ActionId action) const { return orders_.contains(action); }
    /// Keeps it until `until` at the latest; its timer is armed.
    void keep(Turn& turn, Order order, Instant until);
    [[nodiscard]] std::optional<Order> take(ActionId action);
    /// All for this instance, in the order in which they came.
    [[nodiscard]] std::vector<Order> take(const InstanceKey& instance);

private:
    struct Kept {
        Order order;
        std::uint64_t number = 0;
    };
    std::map<ActionId, Kept> orders_;
    std::uint64_t last_number_ = 0;
};

} // namespace ctys::agent
