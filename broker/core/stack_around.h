#pragma once

#include "broker/core/inventory.h"
#include "broker/core/roster.h"
#include "broker/core/row_index.h"
#include "mesh/core/stack.h"

namespace ctys::broker {

/// Where a VM was suspended to disk that has not run since; none: it was not.
[[nodiscard]] WorkerId sleeps_on(const InventoryView& inventory, const VmId& vm);

/// Whether VMs whose state is on disk stand where they were suspended.
enum class Sleepers : std::uint8_t { LeftOut, Shown };

/// The part of the stack graph that matters for these VMs: all inside them, and the chain of what
/// carries them, with everything that could make one of those edges doubtful. Its cost is that of
/// this part and of a walk over the workers, not of the whole inventory.
[[nodiscard]] StackGraph stack_around(const InventoryView& inventory,
                                      const RowIndex& index,
                                      const Roster& roster,
                                      const std::vector<VmId>& vms,
                                      const WorkerId& worker = {},
                                      Sleepers sleepers = Sleepers::LeftOut);

} // namespace ctys::broker
