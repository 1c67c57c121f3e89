#include "agent/core/own_machine.h"

#include <fmt/format.h>

namespace ctys::agent {

namespace {

constexpr unsigned power_off = 0; // run levels
constexpr unsigned reboot = 6;

std::string text_of(unsigned level) {
    if (level == power_off) return "its power-off is under way";
    if (level == reboot) return "its reboot is under way";
    return fmt::format("run level {} is entered", level);
}

} // namespace

Status OwnMachine::begin(Turn& turn, const Action& action) {
    if (!action.run_level) return fail(ErrorCode::Malformed, "the order names no run level");
    if (!why_not_.empty()) {
        return fail(ErrorCode::Refused,
                    fmt::format("{}: {}", turn.worker().name, why_not_),
                    "end the machine by its own system, or run its agent as root");
    }
    if (!under_way_.is_none() && works_.find(under_way_) != nullptr) {
        return fail(ErrorCode::Conflict,
                    fmt::format("{} changes the run level already", under_way_),
                    "ctys actions");
    }
    under_way_ = action.id;
    works_.begin(turn, action, turn.worker().name, {});
    turn.then(ChangeRunLevel{.action = action.id, .level = *action.run_level});
    return {};
}

void OwnMachine::on_ended(Turn& turn, const RunLevelEnded& ended) {
    const auto* work = works_.find(ended.action);
    if (work == nullptr) return;
    const unsigned level = work->action.run_level.value_or(0);
    Outcome outcome;
    if (ended.exit_code == 0) {
        outcome.text = text_of(level);
    } else {
        outcome.error =
            Error{.code = ErrorCode::Failed,
                  .message = fmt::format("the command for run level {} ended with {}: {}",
                                         level,
                                         ended.exit_code,
                                         ended.output)};
    }
    works_.end(turn, ended.action, std::move(outcome));
}

Outcome OwnMachine::recovered(bool in_other_boot) {
    if (in_other_boot) return {.error = {}, .text = "its machine has booted anew since"};
    return {.error = Error{.code = ErrorCode::Indeterminate,
                           .message = "its agent was restarted; it may or may not have happened, "
                                      "and is not repeated"},
            .text = {}};
}

} // namespace ctys::agent
