#include "broker/core/inventory.h"

#include <algorithm>

namespace ctys::broker {

void InventoryView::each_listed(const VmId& after, const EachListed& each) const {
    each_vm(after, [&](const VmRecord& vm) {
        Listed listed{vm, paths(vm.id), instances(vm.id)};
        return each(listed);
    });
}

std::vector<VmRef> find_vms(const InventoryView& inventory,
                            const Address& address,
                            const std::optional<WorkerId>& worker,
                            std::size_t limit) {
    std::vector<VmRef> found;
    const bool asks_paths = address.path || address.file || !address.bases.empty();
    const auto consider = [&](const VmRef& vm) {
        if (!vm || found.size() >= limit) return;
        const auto paths =
            asks_paths || worker ? inventory.paths(vm->id) : std::vector<PathRecord>{};
        if (worker && !is_at(*worker, paths, inventory.instances(vm->id))) return;
        if (matches(address, *vm, paths)) found.push_back(vm);
    };
    const auto consider_all = [&](std::vector<VmId> ids) {
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        for (const auto& id : ids) {
            consider(inventory.vm_brief(id));
        }
    };
    if (address.uuid) {
        consider(inventory.vm_brief(VmId{*address.uuid}));
    } else if (address.label) {
        consider_all(inventory.by_label(*address.label));
    } else if (address.mac) {
        consider_all(inventory.by_mac(*address.mac));
    } else if (address.tcp) {
        consider_all(inventory.by_ip(*address.tcp));
    } else {
        inventory.each_vm(VmId{}, [&](const VmRecord& vm) {
            consider(std::make_shared<const VmRecord>(vm));
            return found.size() < limit;
        });
    }
    return found;
}

bool is_at(const WorkerId& worker,
           const std::vector<PathRecord>& paths,
           const std::vector<InstanceRecord>& instances) {
    const auto there = [&](const auto& item) { return item.worker == worker; };
    return std::any_of(paths.begin(), paths.end(), there) ||
           std::any_of(instances.begin(), instances.end(), there);
}

} // namespace ctys::broker
