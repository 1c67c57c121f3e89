#pragma once

#include "mesh/core/action.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

/// How far an action reaches beyond its target (manual: CANCEL, 3.5).
enum class Scope : std::uint16_t {
    Stack = 1, ///< all that the target carries goes first
    Force = 2, ///< the target alone, by its hypervisor; what it carries ends with it
};
[[nodiscard]] std::string_view to_string(Scope scope);

struct PlanRequest {
    Verb verb = Verb::Shutdown; ///< Shutdown, Kill, Pause: inner first; Resume: outer first
    Scope scope = Scope::Stack;
    std::vector<VmId> targets;
    std::optional<Duration> deadline; ///< of the whole plan; 0: power is cut at once, inner first
    bool shrink = false;        ///< too short a deadline shortens every share instead of refusing
    bool cut_unaskable = false; ///< VMs that cannot be asked are cut in their turn
    std::uint32_t width = 0;    ///< siblings at once; 0: the policy's

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
    bool cuts = false;                ///< power is cut then; else asking is given up
    bool can_ask = true;
    Owner owner = Owner::Ctys;
    /// VMs inside that nobody can order now: their own machine's agent ends them when this VM's
    /// power button is pressed.
    std::vector<std::string> unreached;

    bool operator==(const PlanStep&) const = default;
};

/// What would be done. Steps are in an order in which they could be done one by one.
struct Plan {
    std::vector<PlanStep> steps;
    Duration needed{}; ///< with every share as long as its VM's grace
    Duration until{};  ///< end of the last share
    std::uint32_t levels = 0;
    std::vector<std::uint32_t> critical; ///< steps of the longest chain, in order

    [[nodiscard]] bool asks_all() const;
    bool operator==(const Plan&) const = default;
};

} // namespace ctys
