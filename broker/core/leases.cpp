#include "broker/core/leases.h"

#include <algorithm>

namespace ctys::broker {

void Leases::load(std::vector<Lease> leases, std::uint64_t last_token) {
    last_token_ = last_token;
    for (auto& lease : leases) {
        leases_.emplace(lease.vm, std::move(lease));
    }
}

const Lease* Leases::find(const VmId& vm) const {
    const auto found = leases_.find(vm);
    return found == leases_.end() ? nullptr : &found->second;
}

void Leases::store(Turn& turn, Lease lease) {
    turn.put(lease);
    leases_.insert_or_assign(lease.vm, std::move(lease));
}

void Leases::drop(Turn& turn, const VmId& vm) {
    turn.write(EraseLease{vm});
    leases_.erase(vm);
}

const Lease& Leases::reserve(Turn& turn, const VmId& vm, const WorkerId& worker, ActionId action) {
    CTYS_ASSERT(find(vm) == nullptr);
    turn.write(PutFence{++last_token_});
    store(turn,
          Lease{.vm = vm,
                .worker = worker,
                .token = last_token_,
                .action = action,
                .phase = Lease::Phase::Reserved,
                .since = turn.now().wall,
                .instance = {}});
    return leases_.at(vm);
}

void Leases::on_live(Turn& turn, const InstanceRecord& instance) {
    const auto* held = find(instance.vm);
    if (held != nullptr) {
        // Somebody else's lease, or one that runs already: a second instance is a conflict, shown
        // by whoever folds it, and changes no lease.
        if (held->worker != instance.worker || held->phase == Lease::Phase::Running ||
            held->action != instance.started_by)
            return;
    }
    auto lease = held != nullptr ? *held
                                 : Lease{.vm = instance.vm,
                                         .worker = instance.worker,
                                         .token = instance.token,
                                         .action = instance.started_by};
    lease.phase = Lease::Phase::Running;
    lease.since = turn.now().wall;
    lease.instance = instance.key;
    store(turn, std::move(lease));
}

void Leases::on_ended(Turn& turn, const InstanceRecord& instance) {
    const auto* held = find(instance.vm);
    if (held == nullptr || held->phase != Lease::Phase::Running || held->instance != instance.key)
        return;
    drop(turn, instance.vm);
}

void Leases::on_not_started(Turn& turn, ActionId action) {
    const auto found = std::find_if(leases_.begin(), leases_.end(), [&](const auto& item) {
        return item.second.action == action && item.second.phase == Lease::Phase::Reserved;
    });
    if (found == leases_.end()) return;
    const auto vm = found->first;
    drop(turn, vm);
    // Somebody may have started it by hand while it was reserved: that instance holds it now.
    for (const auto& row : turn.inventory().instances(vm)) {
        if (is_live(row.state)) return on_live(turn, row);
    }
}

std::vector<VmId> Leases::fence(Turn& turn, const WorkerId& worker) {
    std::vector<VmId> freed;
    for (const auto& [vm, lease] : leases_) {
        if (lease.worker == worker) freed.push_back(vm);
    }
    for (const auto& vm : freed) {
        drop(turn, vm);
        // Somebody may have started it by hand elsewhere while it was reserved.
        for (const auto& row : turn.inventory().instances(vm)) {
            if (is_live(row.state) && row.worker != worker) on_live(turn, row);
        }
    }
    return freed;
}

} // namespace ctys::broker
