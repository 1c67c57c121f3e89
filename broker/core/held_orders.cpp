#include "broker/core/held_orders.h"

#include <algorithm>

namespace ctys::broker {

bool HeldOrders::hold(HeldOrder order) {
    if (orders_.size() >= most) return false;
    // What waits on keeps its place: nobody who came later goes first.
    const auto later = std::find_if(orders_.begin(), orders_.end(), [&](const HeldOrder& other) {
        return other.since > order.since;
    });
    orders_.insert(later, std::move(order));
    return true;
}

bool HeldOrders::repeat(const ActionId& id, const PeerId& peer, std::uint64_t correlation) {
    const auto found = std::find_if(orders_.begin(), orders_.end(), [&](const HeldOrder& order) {
        return order.submit.action.id == id;
    });
    if (found == orders_.end()) return false;
    found->peer = peer;
    found->correlation = correlation;
    return true;
}

void HeldOrders::on_peer_gone(const PeerId& peer) {
    std::erase_if(orders_, [&](const HeldOrder& order) { return order.peer == peer; });
}

std::vector<HeldOrder> HeldOrders::take(const std::function<bool(const HeldOrder&)>& is_over) {
    std::vector<HeldOrder> taken;
    for (auto it = orders_.begin(); it != orders_.end();) {
        if (!is_over(*it)) {
            ++it;
            continue;
        }
        taken.push_back(std::move(*it));
        it = orders_.erase(it);
    }
    return taken;
}

} // namespace ctys::broker
