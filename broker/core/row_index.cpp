#include "broker/core/row_index.h"

namespace ctys::broker {

void RowIndex::load(const InventoryView& inventory) {
    inventory.each_listed(VmId{}, [&](const Listed& listed) {
        on_vm(listed.vm);
        for (const auto& path : listed.paths) {
            of_worker_[path.worker].insert(listed.vm.id);
        }
        for (const auto& instance : listed.instances) {
            on_instance(instance);
        }
        return true;
    });
}

void RowIndex::apply(const Write& write) {
    if (const auto* put = std::get_if<Put>(&write)) {
        const auto& record = *put->record;
        if (const auto* vm = std::get_if<VmRecord>(&record)) on_vm(*vm);
        if (const auto* path = std::get_if<PathRecord>(&record))
            of_worker_[path->worker].insert(path->vm);
        if (const auto* instance = std::get_if<InstanceRecord>(&record)) on_instance(*instance);
    } else if (const auto* vm = std::get_if<EraseVm>(&write)) {
        count(vm->vm, -1);
        is_foreign_.erase(vm->vm);
        set_original(vm->vm, {});
        count(vm->vm, 1);
    } else if (const auto* instance = std::get_if<EraseInstance>(&write)) {
        on_erased(instance->vm, instance->key);
    } else if (const auto* worker = std::get_if<EraseWorker>(&write)) {
        of_worker_.erase(worker->worker);
    }
}

void RowIndex::count(const VmId& vm, int sign) {
    const auto known = is_foreign_.find(vm);
    const auto live = live_.find(vm);
    const auto running = live == live_.end() ? 0 : live->second.size();
    const auto add = [&](std::uint64_t& to, bool one) {
        if (one) to += static_cast<std::uint64_t>(sign);
    };
    add(counts_.vms, known != is_foreign_.end() && (!known->second || running > 0));
    add(counts_.running, running > 0);
    add(counts_.conflicts, running > 1);
}

void RowIndex::set_original(const VmId& vm, const VmId& original) {
    const auto known = original_.find(vm);
    if (known == original_.end() && original.is_none()) return; // nearly every VM
    if (known != original_.end()) {
        if (known->second == original) return;
        auto& siblings = copies_.at(known->second);
        siblings.erase(vm);
        if (siblings.empty()) copies_.erase(known->second);
        original_.erase(known);
    }
    if (original.is_none()) return;
    original_[vm] = original;
    copies_[original].insert(vm);
}

Uuid RowIndex::platform_of(const VmId& vm) const {
    const auto known = original_.find(vm);
    return known == original_.end() ? vm.uuid : known->second.uuid;
}

const std::set<VmId>& RowIndex::copies_of(const VmId& vm) const {
    static const std::set<VmId> none;
    const auto found = copies_.find(vm);
    return found == copies_.end() ? none : found->second;
}

void RowIndex::on_vm(const VmRecord& vm) {
    set_original(vm.id, vm.copy_of);
    const auto known = is_foreign_.find(vm.id);
    if (known != is_foreign_.end() && known->second == vm.foreign) return;
    count(vm.id, -1);
    is_foreign_[vm.id] = vm.foreign;
    count(vm.id, 1);
}

void RowIndex::on_instance(const InstanceRecord& instance) {
    of_worker_[instance.worker].insert(instance.vm);
    // Most events change what runs and goes on running: nothing to count.
    const auto live = live_.find(instance.vm);
    const bool was_live = live != live_.end() && live->second.contains(instance.key);
    if (was_live && is_live(instance.state)) return;
    on_erased(instance.vm, instance.key);
    set_asleep(instance.vm, instance.key, is_suspended_to_disk(instance));
    if (is_live(instance.state)) {
        count(instance.vm, -1);
        live_[instance.vm].insert(instance.key);
        count(instance.vm, 1);
    } else if (!instance.managed) {
        const auto at = instance.ended ? instance.ended->at : instance.since;
        gone_at_[{instance.vm, instance.key}] = at;
        gone_.emplace(at, instance.vm, instance.key);
    }
}

void RowIndex::set_asleep(const VmId& vm, const InstanceKey& key, bool is_asleep) {
    if (is_asleep) {
        asleep_[vm].insert(key);
        return;
    }
    const auto known = asleep_.find(vm);
    if (known == asleep_.end()) return;
    known->second.erase(key);
    if (known->second.empty()) asleep_.erase(known);
}

void RowIndex::on_erased(const VmId& vm, const InstanceKey& key) {
    set_asleep(vm, key, false);
    if (const auto gone = gone_at_.find({vm, key}); gone != gone_at_.end()) {
        gone_.erase({gone->second, vm, key});
        gone_at_.erase(gone);
    }
    const auto live = live_.find(vm);
    if (live == live_.end() || !live->second.contains(key)) return;
    count(vm, -1);
    live->second.erase(key);
    if (live->second.empty()) live_.erase(live);
    count(vm, 1);
}

std::vector<VmId> RowIndex::vms_of(const WorkerId& worker) const {
    const auto found = of_worker_.find(worker);
    if (found == of_worker_.end()) return {};
    return {found->second.begin(), found->second.end()};
}

std::vector<VmId> RowIndex::live_vms_of(const WorkerId& worker) const {
    auto vms = vms_of(worker);
    std::erase_if(vms, [&](const VmId& vm) { return !live_.contains(vm); });
    return vms;
}

std::vector<VmId> RowIndex::live_vms() const {
    std::vector<VmId> vms;
    vms.reserve(live_.size());
    for (const auto& [vm, keys] : live_) {
        vms.push_back(vm);
    }
    return vms;
}

std::vector<VmId> RowIndex::asleep_vms() const {
    std::vector<VmId> vms;
    for (const auto& [vm, keys] : asleep_) {
        if (!live_.contains(vm)) vms.push_back(vm);
    }
    return vms;
}

void RowIndex::replace(const WorkerId& worker, std::set<VmId> vms) {
    if (vms.empty()) {
        of_worker_.erase(worker);
    } else {
        of_worker_[worker] = std::move(vms);
    }
}

std::vector<RowIndex::Gone> RowIndex::gone_before(WallTime time, std::size_t limit) const {
    std::vector<Gone> found;
    for (const auto& gone : gone_) {
        if (found.size() == limit || std::get<WallTime>(gone) >= time) break;
        found.push_back(gone);
    }
    return found;
}

} // namespace ctys::broker
