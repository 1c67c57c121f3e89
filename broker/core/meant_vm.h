#pragma once

#include "broker/core/inventory.h"
#include "broker/core/roster.h"

namespace ctys::broker {

/// The one VM an address means; `worker` is what its w: names. Errors: NotFound, Ambiguous (listing
/// the candidates).
[[nodiscard]] Result<VmRef> require_vm(const InventoryView& inventory,
                                       const Roster& roster,
                                       const Action& action,
                                       const Address& address,
                                       const std::optional<WorkerId>& worker);

/// The one VM meant by an order for what runs on `place`: of several that match, the one that runs
/// there. Errors: NotFound, Ambiguous (several run there), Conflict (several match, and none runs
/// there). The w: of the address counts for nothing: it is the place.
[[nodiscard]] Result<VmRef> require_vm_on(const InventoryView& inventory,
                                          const Roster& roster,
                                          const Action& action,
                                          const Address& address,
                                          const WorkerId& place);

/// Those of a VM's instances that are on `place`. Errors: Conflict (it runs elsewhere only, and the
/// message says where).
[[nodiscard]] Result<std::vector<InstanceRecord>>
instances_on(const WorkerId& place,
             const VmRecord& vm,
             const std::vector<InstanceRecord>& instances,
             const Roster& roster);

} // namespace ctys::broker
