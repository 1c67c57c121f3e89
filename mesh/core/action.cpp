#include "mesh/core/action.h"

namespace ctys {

std::string_view to_string(Verb verb) {
    switch (verb) {
    case Verb::Start:
        return "start";
    case Verb::Shutdown:
        return "shutdown";
    case Verb::Kill:
        return "kill";
    case Verb::Reboot:
        return "reboot";
    case Verb::Reset:
        return "reset";
    case Verb::Pause:
        return "pause";
    case Verb::Resume:
        return "resume";
    case Verb::Scan:
        return "scan";
    case Verb::Suspend:
        return "suspend";
    case Verb::Init:
        return "init";
    }
    return "unknown";
}

std::optional<Verb> verb_from_text(std::string_view text) {
    for (std::uint16_t value = 1; value <= static_cast<std::uint16_t>(Verb::Init); ++value) {
        const auto verb = static_cast<Verb>(value);
        if (to_string(verb) == text) return verb;
    }
    return std::nullopt;
}

bool is_repeatable(Verb verb) {
    return !is_rebooting(verb) && verb != Verb::Init;
}

std::string_view to_string(ActionState state) {
    switch (state) {
    case ActionState::Requested:
        return "requested";
    case ActionState::Dispatched:
        return "dispatched";
    case ActionState::Running:
        return "running";
    case ActionState::Ended:
        return "ended";
    }
    return "unknown";
}

} // namespace ctys
