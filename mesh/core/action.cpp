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
    case Verb::Eject:
        return "media eject";
    case Verb::ChangeMedium:
        return "media change";
    }
    return "unknown";
}

std::optional<Verb> verb_from_text(std::string_view text) {
    for (std::uint16_t value = 1; value <= static_cast<std::uint16_t>(last_verb); ++value) {
        const auto verb = static_cast<Verb>(value);
        if (to_string(verb) == text) return verb;
    }
    return std::nullopt;
}

bool is_repeatable(Verb verb) {
    return !is_rebooting(verb) && verb != Verb::Init && !is_of_media(verb);
}

Status check_arguments(const Action& action) {
    if (action.verb == Verb::ChangeMedium && action.image.empty())
        return fail(ErrorCode::Usage, "the image is missing", "ctys media change VM DEVICE IMAGE");
    if (action.verb == Verb::Eject && !action.image.empty())
        return fail(ErrorCode::Usage, "nothing goes in", "ctys media eject VM [DEVICE]");
    return {};
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
