#include "broker/core/meant_vm.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace ctys::broker {

namespace {

/// Candidates a refusal lists.
constexpr std::size_t most_listed = 16;
/// VMs looked at for the one that runs on a worker: copies of a VM keep their label.
constexpr std::size_t most_alike = 1024;

std::vector<std::string> candidates_of(const InventoryView& inventory,
                                       const std::vector<VmRef>& found) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < std::min(found.size(), most_listed); ++i) {
        const auto paths = inventory.paths(found[i]->id);
        lines.push_back(
            fmt::format("u:{} {}",
                        found[i]->id,
                        paths.empty() ? std::string{"(no configuration)"} : paths.front().config));
    }
    return lines;
}

tl::unexpected<Error> none(const Roster& roster, const Action& action, const Address& address) {
    if (!address.bare || !roster.require_name(*address.label))
        return fail(ErrorCode::NotFound, "no VM matches this address", "ctys list --all");
    return fail(ErrorCode::NotFound,
                fmt::format("no VM has this label; {} is a worker", *address.label),
                fmt::format("ctys {} w:{}", to_string(action.verb), *address.label));
}

tl::unexpected<Error> several(const InventoryView& inventory,
                              const Action& action,
                              const std::vector<VmRef>& found,
                              std::string_view where) {
    return fail(ErrorCode::Ambiguous,
                fmt::format("{} VMs match this address{}", found.size(), where),
                fmt::format("ctys {} u:{}", to_string(action.verb), found.front()->id),
                candidates_of(inventory, found));
}

bool runs_on(const WorkerId& place, const std::vector<InstanceRecord>& instances) {
    return std::any_of(instances.begin(), instances.end(), [&](const InstanceRecord& instance) {
        return instance.worker == place && is_live(instance.state);
    });
}

} // namespace

Result<VmRef> require_vm(const InventoryView& inventory,
                         const Roster& roster,
                         const Action& action,
                         const Address& address,
                         const std::optional<WorkerId>& worker) {
    const auto found = find_vms(inventory, address, worker, most_listed);
    if (found.empty()) return none(roster, action, address);
    if (found.size() > 1) return several(inventory, action, found, "");
    return found.front();
}

Result<VmRef> require_vm_on(const InventoryView& inventory,
                            const Roster& roster,
                            const Action& action,
                            const Address& address,
                            const WorkerId& place) {
    const auto found = find_vms(inventory, address, std::nullopt, most_alike);
    if (found.empty()) return none(roster, action, address);
    if (found.size() == 1) return found.front();
    std::vector<VmRef> there;
    std::copy_if(found.begin(), found.end(), std::back_inserter(there), [&](const VmRef& vm) {
        return runs_on(place, inventory.instances(vm->id));
    });
    const auto name = roster.name_of(place);
    if (there.size() > 1)
        return several(inventory, action, there, fmt::format(" and run on {}", name));
    if (there.size() == 1) return there.front();
    return fail(ErrorCode::Conflict,
                fmt::format("{} VMs match this address, and none runs on {}", found.size(), name),
                "ctys list",
                candidates_of(inventory, found));
}

Result<std::vector<InstanceRecord>> instances_on(const WorkerId& place,
                                                 const VmRecord& vm,
                                                 const std::vector<InstanceRecord>& instances,
                                                 const Roster& roster) {
    std::vector<InstanceRecord> here;
    std::vector<std::string> elsewhere;
    for (const auto& instance : instances) {
        if (instance.worker == place) {
            here.push_back(instance);
        } else if (is_live(instance.state)) {
            elsewhere.push_back(roster.name_of(instance.worker));
        }
    }
    if (elsewhere.empty() || runs_on(place, here)) return here;
    return fail(
        ErrorCode::Conflict,
        fmt::format("runs on {}, not on {}", fmt::join(elsewhere, " and "), roster.name_of(place)),
        fmt::format("ctys show {}", vm.label));
}

} // namespace ctys::broker
