#include "mesh/core/plan.h"

#include <algorithm>

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

bool Plan::asks_all() const {
    return std::all_of(steps.begin(), steps.end(), [](const PlanStep& step) {
        return step.can_ask || step.verb != Verb::Shutdown;
    });
}

} // namespace ctys
