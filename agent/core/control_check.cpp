// What is refused before it is begun.

#include "agent/core/control.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

Addressee Control::addressee(const Instance& instance) const {
    const auto& record = instance.record;
    auto vm = addressee_of(record);
    vm.ours = instance.ours;
    vm.monitor = instance.monitor;
    vm.guest_agent = record.guest_agent;
    vm.owner_refusal.reset();
    if (vm.by_owner) {
        const auto call = owner_call(owners_, record, instance.handle, asked_patience);
        if (!call) vm.owner_refusal = call.error();
    }
    vm.is_ending = descents_.contains(record.key);
    vm.is_rebooting = reboots_.contains(record.key);
    return vm;
}

Status Control::check(const Action& action, const Instance& instance) const {
    const auto reserved = reserved_.find(instance.record.key);
    if (action.verb != Verb::Kill && reserved != reserved_.end())
        return fail(ErrorCode::Conflict, reserved->second, "ctys actions");
    const auto descent = descents_.find(instance.record.key);
    const bool joins = action.verb == Verb::Shutdown && !action.force;
    if (joins && descent != descents_.end() && descent->second.orders.size() >= most_joined) {
        return fail(ErrorCode::Overloaded,
                    fmt::format("{} orders wait for its end already", most_joined),
                    "ctys actions");
    }
    const auto is_its = [&](const auto& item) { return item.second.key == instance.record.key; };
    if (action.verb == Verb::Init &&
        std::any_of(guest_works_.begin(), guest_works_.end(), is_its)) {
        return fail(ErrorCode::Conflict, "its run level is being changed already", "ctys actions");
    }
    return check_order(action, addressee(instance));
}

bool Control::awaits_monitor(const Action& action, const Instance& instance) const {
    if (!instance.ours || instance.monitor) return false;
    auto later = instance;
    later.monitor = later.record.guest_agent = true; // whether it has one is known then
    return !check(action, instance) && check(action, later);
}

} // namespace ctys::agent
