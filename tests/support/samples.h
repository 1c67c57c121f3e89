#pragma once

#include "mesh/core/intent.h"
#include "mesh/core/message.h"

#include <string>
#include <utility>
#include <vector>

/// One fully populated value of everything that travels or is kept: every field differs from its
/// default and from its neighbours, so that a field that is lost or swapped is noticed. The golden
/// bytes of tests/data/wire and the fuzz corpora are made of them: existing values stay as they
/// are.
namespace ctys::samples {

/// Sixteen different bytes, other ones for every seed.
[[nodiscard]] Uuid uuid(unsigned seed);
[[nodiscard]] Error error();
[[nodiscard]] Principal principal();

[[nodiscard]] VmRecord vm();
[[nodiscard]] VmRecord vm_with_policy();       ///< since ONSTOP, ONBOOT and STARTAFTER
[[nodiscard]] VmRecord vm_with_remarks();      ///< on its configuration
[[nodiscard]] VmRecord vm_with_further_file(); ///< since settings name it
[[nodiscard]] PathRecord path();
[[nodiscard]] InstanceRecord instance();                ///< has ended
[[nodiscard]] InstanceRecord instance_with_drives();    ///< since media can be changed
[[nodiscard]] InstanceRecord instance_with_snapshots(); ///< since there are snapshots
[[nodiscard]] InstanceRecord instance_with_guest_agent();
[[nodiscard]] Lease lease();
[[nodiscard]] WorkerRecord worker();
[[nodiscard]] WorkerRecord worker_equipped();
[[nodiscard]] WorkerRecord worker_inside(); ///< what the broker alone knows of it
[[nodiscard]] WorkerRecord worker_ended();  ///< since farewells and rivals
[[nodiscard]] Action action();
[[nodiscard]] ActionRecord action_of_stack();      ///< an order of a plan, with a stack's options
[[nodiscard]] ActionRecord action_without_state(); ///< a start that throws a saved state away
[[nodiscard]] ActionRecord action_of_machine();    ///< since run levels
[[nodiscard]] ActionRecord action_of_media();      ///< since media can be changed
[[nodiscard]] ActionRecord action_with_options();  ///< since starts have options
[[nodiscard]] ActionRecord action_of_snapshot();   ///< since there are snapshots
[[nodiscard]] PlanRecord plan();
[[nodiscard]] PlanStepRecord plan_step();
[[nodiscard]] PlanStepRecord plan_step_of_machine(); ///< since run levels and boots
[[nodiscard]] PlanStepRecord plan_step_by_guest_agent();
[[nodiscard]] ActionRecord action_record();      ///< has failed
[[nodiscard]] ActionRecord action_on_instance(); ///< of a process; since InstanceKey in Action
[[nodiscard]] Intent intent();
[[nodiscard]] Intent intent_of_media();    ///< since media can be changed
[[nodiscard]] Intent intent_of_snapshot(); ///< since there are snapshots

/// As an agent publishes it most often: a VM changes its state, with its instance.
[[nodiscard]] Event state_change();
/// One event per alternative of EventPayload, with its name.
[[nodiscard]] std::vector<std::pair<std::string, Event>> events_by_payload();

[[nodiscard]] VmRow vm_row(unsigned number = 1);
[[nodiscard]] VmDetail vm_detail();
[[nodiscard]] WatchRow watch_row();
[[nodiscard]] StatusRow status_row();

/// One body per alternative of Body, in its order, with its name. Opaque events are short bytes
/// that no decoder would take.
[[nodiscard]] std::vector<std::pair<std::string, Body>> bodies();
/// With what was added to a kind later.
[[nodiscard]] std::vector<std::pair<std::string, Body>> later_bodies();

} // namespace ctys::samples
