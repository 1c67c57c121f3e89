#pragma once

#include "mesh/core/action.h"
#include "mesh/core/worker.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

/// How a plan is refused that would have nothing to do; Conflict.
inline constexpr std::string_view nothing_runs = "nothing of it runs";

/// How far an action reaches beyond its target (manual: CANCEL, 3.5).
enum class Scope : std::uint16_t {
    Stack = 1, ///< all that the target carries goes first
    Force = 2, ///< the target alone, by its hypervisor; what it carries ends with it
};
[[nodiscard]] std::string_view to_string(Scope scope);

struct PlanRequest {
    /// Shutdown, Kill, Pause: inner first; Resume: outer first. Reboot and Reset of the targets end
    /// what is inside before, Suspend pauses it.
    Verb verb = Verb::Shutdown;
    Scope scope = Scope::Stack;
    std::vector<VmId> targets;
    std::optional<Duration> deadline; ///< of the whole plan; 0: power is cut at once, inner first
    bool shrink = false;         ///< too short a deadline shortens every share instead of refusing
    bool cut_unaskable = false;  ///< VMs that cannot be asked are cut in their turn
    std::uint32_t width = 0;     ///< siblings at once; 0: the policy's
    bool skip_unreached = false; ///< targets on workers that are away are left out, with a note
    bool never_cuts = false;     ///< INIT: no hypervisor ends a guest, whatever its grace
    /// After all targets its own machine is powered off or rebooted, by its agent; none: no.
    WorkerId self;

    bool operator==(const PlanRequest&) const = default;
};

/// One VM's part in a plan. Times count from the plan's beginning.
struct PlanStep {
    VmId vm;
    std::string label;
    WorkerId worker; ///< who does it
    std::string worker_name;
    Verb verb = Verb::Shutdown;
    std::uint32_t level = 0;          ///< 0: a target; 1: carried by one; ...
    std::vector<std::uint32_t> after; ///< indices of the steps that end before
    Duration begin{};                 ///< not later than this its turn comes
    Duration until{};                 ///< end of its share
    std::optional<Duration> grace;    ///< its own, where no deadline was given: cut so long after
    bool cuts = false;                ///< power is cut then; else asking is given up
    bool can_ask = true;
    Owner owner = Owner::Ctys;
    std::vector<WorkerId> inside; ///< workers that this VM is
    /// VMs inside that nobody can order now. Where this VM is asked to end, their own machine's
    /// agent ends them.
    std::vector<std::string> unreached;
    std::optional<std::uint8_t> run_level; ///< of Init
    /// Of Start: of its worker, whose machine goes down before: it starts in another boot only.
    /// Of Init, Reboot and Reset: of the machine, when it was asked.
    BootId boot;
    bool guest_agent = false; ///< as in InstanceRecord

    bool operator==(const PlanStep&) const = default;
};

/// When its power is cut, or it is reset, at the latest, if it has not ended by then; counted from
/// the plan's beginning. `limited`: a deadline was given for the plan. None: nothing is cut.
[[nodiscard]] std::optional<Duration> cut_time(const PlanStep& step, bool limited);

/// It acts on what a VM carries as well, in the order of a plan.
[[nodiscard]] constexpr bool is_of_stacks(Verb verb) {
    return is_ending(verb) || is_rebooting(verb) || verb == Verb::Pause || verb == Verb::Resume ||
           verb == Verb::Suspend;
}
/// What a plan does to what its targets carry.
[[nodiscard]] Verb inner_verb(Verb verb);

/// What would be done. Steps are in an order in which they could be done one by one.
struct Plan {
    std::vector<PlanStep> steps;
    Duration needed{}; ///< with every share as long as its VM's grace
    Duration until{};  ///< end of the last share
    std::uint32_t levels = 0;
    std::uint32_t width = 1;             ///< siblings at once
    bool limited = false;                ///< a deadline was given: no share is exceeded
    std::vector<std::uint32_t> critical; ///< steps of the longest chain, in order
    std::vector<std::string> notes;      ///< what a person should know of it, in sentences

    /// How many VMs it has to do with; one that is ended and started again counts once.
    [[nodiscard]] std::size_t count_vms() const;
    bool operator==(const Plan&) const = default;
};

/// Would it be begun, or does it lack somebody who can ask one of its VMs? `asked`: the verb of the
/// order; no hypervisor does what Init is for. Errors: Conflict.
[[nodiscard]] Status check_askable(const Plan& plan, Verb asked);

/// What has become of a step (docs/architecture.md: Plans).
enum class StepState : std::uint16_t {
    Waiting = 1,   ///< its turn has not come
    Asked = 2,     ///< its order is with the worker
    Done = 3,      ///< also: it had ended already
    Failed = 4,    ///< its order has ended with an error, and the VM goes on
    Unreached = 5, ///< its worker is lost: its carrier goes on, nobody knows
    Skipped = 6,   ///< never asked: cancelled, or what it has to wait for has failed
};
[[nodiscard]] std::string_view to_string(StepState state);
[[nodiscard]] constexpr bool is_over(StepState state) {
    return state != StepState::Waiting && state != StepState::Asked;
}

/// A plan that is, or was, carried out: its action is the one that was asked for. Without an
/// action: what would be done.
struct PlanRecord {
    ActionId action;
    Verb verb = Verb::Shutdown;
    std::string target; ///< as in Action
    std::uint32_t steps = 0;
    Duration needed{};
    Duration until{};
    std::uint32_t levels = 0;
    std::uint32_t width = 1;
    bool limited = false;
    std::vector<std::uint32_t> critical;
    std::vector<std::string> notes; ///< what a person should know of it, in sentences
    Duration spent{};               ///< since it began, without the time in which no broker ran

    bool operator==(const PlanRecord&) const = default;
};

struct PlanStepRecord {
    ActionId plan;
    std::uint32_t index = 0;
    PlanStep step;
    StepState state = StepState::Waiting;
    ActionId action;         ///< its present order; none while it waits
    std::uint32_t tries = 0; ///< orders so far
    std::string text;        ///< "gone after 2.1 s", or why not
    Duration asked{};        ///< when its first order went out, from the plan's beginning
    Duration over{};

    bool operator==(const PlanStepRecord&) const = default;
};

} // namespace ctys
