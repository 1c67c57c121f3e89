#pragma once

#include "tools/setup_vde/observed.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ctys::vde {

/// A program.
struct Run {
    std::vector<std::string> argv;
    bool as_owner = false; ///< of the switch; else as root

    bool operator==(const Run&) const = default;
};
/// Takes away the files of a dead switch; refused where somebody listens by now.
struct RemoveFiles {
    bool operator==(const RemoveFiles&) const = default;
};
/// Until the switch answers, with this TAP on a port.
struct AwaitSwitch {
    std::string tap;
    bool operator==(const AwaitSwitch&) const = default;
};
/// Asks the switch to end and waits until it has.
struct EndSwitch {
    bool kills = false; ///< by signals, if it does not end by being asked
    bool operator==(const EndSwitch&) const = default;
};
using Act = std::variant<Run, RemoveFiles, AwaitSwitch, EndSwitch>;

/// One thing that is done, or fails and has changed nothing. `undo` is done for every step that
/// was done when a later one fails, the last step first.
struct Step {
    std::string what; ///< as in "cannot ...": "make the bridge ctysbr0"
    Act act;
    std::optional<Act> undo = {};

    bool operator==(const Step&) const = default;
};

struct Plan {
    std::vector<Step> steps;
    std::vector<std::string> notes; ///< what somebody should know of it, one sentence each
    std::vector<Error> missing;     ///< rights and programs without which the steps would fail
};

/// Pure. Nothing to do where the switch is there already. Errors: Refused (the connection would be
/// cut), Unsupported (`ip` is missing), NotFound (the interface), Conflict (what is there is of
/// another kind, or of somebody else). Then what is missing, by its first one: Refused (root is
/// needed), Unsupported (programs or /dev/net/tun); a request that only shows gets the plan with
/// it.
[[nodiscard]] Result<Plan> decide_create(const Request& request, const Observed& machine);

/// Pure. Nothing to do where nothing is there. Errors: Conflict (VMs are attached; the switch
/// hangs; it is not one), Refused. What is missing: as above.
[[nodiscard]] Result<Plan> decide_cancel(const Request& request, const Observed& machine);

/// One line for a person: what a shell would do.
[[nodiscard]] std::string describe(const Act& act, const Observed& machine);

} // namespace ctys::vde
