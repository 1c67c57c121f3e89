#include "agent/core/patience.h"

#include <algorithm>

namespace ctys::agent {

void Patience::keep(Turn& turn, Order order, Instant until) {
    const auto id = order.command.action.id;
    orders_.insert_or_assign(id, Kept{std::move(order), ++last_number_});
    turn.arm({.kind = TimerKind::Order, .action = id}, until);
}

std::optional<Patience::Order> Patience::take(ActionId action) {
    const auto found = orders_.find(action);
    if (found == orders_.end()) return std::nullopt;
    auto order = std::move(found->second.order);
    orders_.erase(found);
    return order;
}

std::vector<Patience::Order> Patience::take(const InstanceKey& instance) {
    std::vector<Kept> found;
    for (const auto& [id, kept] : orders_) {
        if (kept.order.instance == instance) found.push_back(kept);
    }
    std::sort(found.begin(), found.end(), [](const Kept& a, const Kept& b) {
        return a.number < b.number;
    });
    std::vector<Order> orders;
    for (auto& kept : found) {
        orders_.erase(kept.order.command.action.id);
        orders.push_back(std::move(kept.order));
    }
    return orders;
}

} // namespace ctys::agent
