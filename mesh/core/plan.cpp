#include "mesh/core/plan.h"

#include <fmt/format.h>

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

std::optional<Duration> cut_time(const PlanStep& step, bool limited) {
    switch (step.verb) {
    case Verb::Kill:
    case Verb::Reset:
        return step.begin;
    case Verb::Shutdown:
    case Verb::Reboot:
        if (!step.cuts) return std::nullopt;
        if (limited) return step.until;
        return step.grace ? std::optional{step.begin + *step.grace} : std::nullopt;
    default:
        return std::nullopt;
    }
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

Status check_askable(const Plan& plan, Verb asked) {
    constexpr std::size_t most_evidence = 64; // the plan itself shows them all
    Error error{.code = ErrorCode::Conflict,
                .message = "some of its VMs cannot be asked to end",
                .evidence = {},
                .try_next = asked == Verb::Init
                                ? "end them inside, or cut them: ctys shutdown VM --cut-unaskable"
                                : "--cut-unaskable cuts them in their turn"};
    for (const auto& step : plan.steps) {
        if (step.can_ask || (step.verb != Verb::Shutdown && step.verb != Verb::Reboot)) continue;
        if (error.evidence.size() == most_evidence) break;
        const bool is_by_hand = step.owner == Owner::ByHand || step.owner == Owner::Unknown;
        error.evidence.push_back(
            is_by_hand
                ? fmt::format("{} on {} has no monitor we may use", step.label, step.worker_name)
                : fmt::format("{} on {} ({}) cannot be asked now; ctys show {} says why",
                              step.label,
                              step.worker_name,
                              to_string(step.owner),
                              step.label));
    }
    if (error.evidence.empty()) return {};
    return tl::unexpected(std::move(error));
}

} // namespace ctys
