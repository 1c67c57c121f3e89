#pragma once

#include "agent/core/work.h"

namespace ctys::agent {

/// Ends or reboots the machine that the agent runs on, or brings it to another run level, when the
/// broker orders it (DESIGN: Stacks). The broker has ended what runs here before, and has refused
/// whoever asked from this machine.
///
///     order                  | done when                  | after a restart of the agent
///     init, any run level    | its command has returned 0 | done in another boot, else
///                            |                            | indeterminate; never repeated
class OwnMachine {
public:
    /// `why_not`: this agent may not do it; empty: it may.
    OwnMachine(WorkTable& works, std::string why_not)
        : works_(works), why_not_(std::move(why_not)) {}

    /// Errors: Refused, Conflict (another order of the kind is under way).
    [[nodiscard]] Status begin(Turn& turn, const Action& action);
    void on_ended(Turn& turn, const RunLevelEnded& ended);
    /// Of an intent that a former life of the agent had written.
    [[nodiscard]] static Outcome recovered(bool in_other_boot);

private:
    WorkTable& works_;
    std::string why_not_;
    ActionId under_way_;
};

} // namespace ctys::agent
