#include "broker/core/overlay.h"

#include <algorithm>

namespace ctys::broker {

namespace {

template <typename Map>
void drop_committed(Map& map, std::uint64_t batch) {
    std::erase_if(map, [&](const auto& item) { return item.second.batch <= batch; });
}

bool contains(const std::vector<std::string>& values, std::string_view value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

/// The base's rows of one VM with the layer's rows of it laid over.
template <typename T, typename Layer, typename KeyOf>
std::vector<T> merge(std::vector<T> rows, const Layer& layer, const VmId& vm, KeyOf key_of) {
    using Key = typename Layer::key_type::second_type;
    for (auto it = layer.lower_bound({vm, Key{}}); it != layer.end() && it->first.first == vm;
         ++it) {
        const auto& key = it->first.second;
        std::erase_if(rows, [&](const T& row) { return key_of(row) == key; });
        if (it->second.record) rows.push_back(std::get<T>(*it->second.record));
    }
    std::sort(
        rows.begin(), rows.end(), [&](const T& a, const T& b) { return key_of(a) < key_of(b); });
    return rows;
}

} // namespace

void Overlay::apply(const Write& write, std::uint64_t batch) {
    index_.apply(write);
    if (const auto* put = std::get_if<Put>(&write)) {
        const Entry entry{put->record, batch};
        if (const auto* vm = std::get_if<VmRecord>(put->record.get())) vms_[vm->id] = entry;
        if (const auto* path = std::get_if<PathRecord>(put->record.get())) {
            paths_[{path->vm, {path->worker, path->config}}] = entry;
        }
        if (const auto* instance = std::get_if<InstanceRecord>(put->record.get())) {
            instances_[{instance->vm, instance->key}] = entry;
        }
    } else if (const auto* vm = std::get_if<EraseVm>(&write)) {
        vms_[vm->vm] = Entry{nullptr, batch};
    } else if (const auto* path = std::get_if<ErasePath>(&write)) {
        paths_[{path->vm, {path->worker, path->config}}] = Entry{nullptr, batch};
    } else if (const auto* instance = std::get_if<EraseInstance>(&write)) {
        instances_[{instance->vm, instance->key}] = Entry{nullptr, batch};
    }
    // Leases, workers and actions live in the core itself; the journal is never read back here.
}

void Overlay::committed(std::uint64_t batch) {
    drop_committed(vms_, batch);
    drop_committed(paths_, batch);
    drop_committed(instances_, batch);
}

VmRef Overlay::vm(const VmId& id) const {
    const auto found = vms_.find(id);
    if (found == vms_.end()) return base_.vm(id);
    if (!found->second.record) return nullptr;
    return {found->second.record, &std::get<VmRecord>(*found->second.record)};
}

VmRef Overlay::vm_brief(const VmId& id) const {
    return vms_.contains(id) ? vm(id) : base_.vm_brief(id);
}

std::vector<PathRecord> Overlay::paths(const VmId& vm) const {
    return merge(base_.paths(vm), paths_, vm, [](const PathRecord& path) {
        return PathKey{path.worker, path.config};
    });
}

std::vector<InstanceRecord> Overlay::instances(const VmId& vm) const {
    return merge(
        base_.instances(vm), instances_, vm, [](const InstanceRecord& row) { return row.key; });
}

void Overlay::each_vm(const VmId& after, const std::function<bool(const VmRecord&)>& each) const {
    auto pending = vms_.upper_bound(after);
    bool more = true;
    const auto give_pending = [&](const VmId* before) {
        while (more && pending != vms_.end() && (before == nullptr || pending->first < *before)) {
            if (pending->second.record) more = each(std::get<VmRecord>(*pending->second.record));
            ++pending;
        }
    };
    base_.each_vm(after, [&](const VmRecord& row) {
        give_pending(&row.id);
        if (more && pending != vms_.end() && pending->first == row.id) {
            if (pending->second.record) more = each(std::get<VmRecord>(*pending->second.record));
            ++pending;
        } else if (more) {
            more = each(row);
        }
        return more;
    });
    give_pending(nullptr);
}

std::vector<VmId> Overlay::with_pending(std::vector<VmId> ids,
                                        const std::function<bool(const VmRecord&)>& holds) const {
    for (const auto& [id, entry] : vms_) {
        std::erase(ids, id);
        if (entry.record && holds(std::get<VmRecord>(*entry.record))) ids.push_back(id);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::vector<VmId> Overlay::by_label(std::string_view label) const {
    return with_pending(base_.by_label(label),
                        [&](const VmRecord& vm) { return vm.label == label; });
}

std::vector<VmId> Overlay::by_mac(std::string_view mac) const {
    return with_pending(base_.by_mac(mac),
                        [&](const VmRecord& vm) { return contains(vm.macs, mac); });
}

std::vector<VmId> Overlay::by_ip(std::string_view ip) const {
    return with_pending(base_.by_ip(ip), [&](const VmRecord& vm) { return contains(vm.ips, ip); });
}

} // namespace ctys::broker
