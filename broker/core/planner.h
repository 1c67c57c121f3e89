#pragma once

#include "mesh/core/plan.h"
#include "mesh/core/stack.h"

namespace ctys::broker {

/// What a plan takes for granted where nothing else is said.
struct PlanPolicy {
    Duration least = std::chrono::seconds{5};  ///< no share is shorter, unless all are shortened
    Duration grace = std::chrono::seconds{60}; ///< of a VM that names none, under a deadline
    Duration patience =
        std::chrono::seconds{180}; ///< asking is given up then, without any deadline
    std::uint32_t width = 16;      ///< siblings at once
};

/// Orders all that the targets carry (DESIGN: Stacks). Pure. Shares of time: a VM's own is
/// max(least, grace); what it carries has until then minus that; siblings beyond the width wait for
/// another wave, each as long as the longest need of one of them.
///
///     deadline | what it does
///     none     | every VM its own grace, also below `least`, and cut then, not a moment of it to
///              | spare; those without one: asked, never cut
///     0        | power is cut at once, inner first
///     >= need  | innermost VMs have what is left over
///     < need   | Conflict, naming the need; with `shrink` every share by the same factor
///
/// VMs of one worker keep to STARTAFTER: started in its order, ended and paused in the reverse one.
///
/// VMs that do not run have no step; VMs on workers that cannot be reached are named by the step of
/// what carries them. Errors: NotFound (an unknown target), Conflict (nothing of it runs, too short
/// a deadline), Unreachable (a target's own worker, or of many targets every one), Unsupported (a
/// verb that no plan has).
[[nodiscard]] Result<Plan>
make_plan(const StackGraph& graph, const PlanRequest& request, const PlanPolicy& policy);

} // namespace ctys::broker
