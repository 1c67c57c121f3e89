#include "mesh/core/plan.h"

#include <algorithm>
#include <set>

namespace ctys {

std::string_view to_string(Scope scope) {
    switch (scope) {
    case Scope::Stack:
        return "stack";
    case Scope::Force:
        return "force";
    }
    return "unknown";
}

std::string_view to_string(StepState state) {
    switch (state) {
    case StepState::Waiting:
        return "waiting";
    case StepState::Asked:
        return "asked";
    case StepState::Done:
        return "done";
    case StepState::Failed:
        return "failed";
    case StepState::Unreached:
        return "unreached";
    case StepState::Skipped:
        return "skipped";
    }
    return "unknown";
}

Verb inner_verb(Verb verb) {
    switch (verb) {
    case Verb::Reboot:
    case Verb::Reset:
    case Verb::Init:
        return Verb::Shutdown;
    case Verb::Suspend:
        return Verb::Pause;
    default:
        return verb;
    }
}

bool Plan::asks_all() const {
    return std::all_of(steps.begin(), steps.end(), [](const PlanStep& step) {
        return step.can_ask || (step.verb != Verb::Shutdown && step.verb != Verb::Reboot);
    });
}

std::size_t Plan::count_vms() const {
    std::set<VmId> vms;
    std::size_t machines = 0;
    for (const auto& step : steps) {
        if (step.vm.is_none()) {
            ++machines;
        } else {
            vms.insert(step.vm);
        }
    }
    return vms.size() + machines;
}

} // namespace ctys
