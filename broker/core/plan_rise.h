#pragma once

#include "broker/core/inventory.h"
#include "broker/core/roster.h"
#include "mesh/core/plan.h"

#include <vector>

namespace ctys::broker {

/// How long a machine may take from its start until its agent has called.
constexpr Duration start_patience = std::chrono::minutes{10};

/// The reverse of a plan (DESIGN: Stacks): what carries comes before what is carried, and what was
/// ended last is started first.
///
///     step of the plan             | its reverse
///     shutdown, kill               | start
///     suspend                      | start, with the state that was kept
///     pause, of a plan to suspend  | resume
///     reboot, reset, init          | none: what is inside waits for the machine's next boot

/// Adds to a plan that reboots its targets the start of all it ends inside them. What has no
/// configuration on its worker, and what lies in that, is left out with a note.
void add_restoring(Plan& plan, const InventoryView& inventory, const Roster& roster);

/// Brings back what the plan has done away with; of all its steps only those that are done. With
/// `target` only that VM and what it carried. Each VM once, and none waits for itself, be it
/// through others: a wait that closes a circle is left out, with a note. Empty: there is nothing.
[[nodiscard]] Plan reverse_of(const PlanRecord& plan,
                              const std::vector<PlanStepRecord>& steps,
                              const VmId& target = {});

} // namespace ctys::broker
