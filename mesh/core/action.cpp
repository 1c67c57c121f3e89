#include "mesh/core/action.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

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
    case Verb::SaveSnapshot:
        return "snapshot save";
    case Verb::RevertSnapshot:
        return "snapshot revert";
    case Verb::DeleteSnapshot:
        return "snapshot delete";
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
    return !is_rebooting(verb) && verb != Verb::Init && !is_of_media(verb) &&
           verb != Verb::RevertSnapshot;
}

Status check_snapshot_name(std::string_view name) {
    constexpr std::size_t longest = 63;
    constexpr std::string_view rule =
        "a letter, then up to 62 letters, digits, \".\", \"_\" and \"-\"";
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const bool is_name =
        !name.empty() && name.size() <= longest && is_letter(name.front()) &&
        std::all_of(name.begin(), name.end(), [&](char c) {
            return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        });
    if (!is_name) {
        return fail(ErrorCode::Usage,
                    name.empty() ? std::string{"the name of the snapshot is missing"}
                                 : fmt::format("\"{}\" is no name of a snapshot: {}",
                                               printable(name, longest),
                                               rule));
    }
    if (name.starts_with("ctys-"))
        return fail(ErrorCode::Usage,
                    fmt::format("{}: names that begin with ctys- are ctys' own", name));
    return {};
}

Status check_arguments(const Action& action) {
    if (is_of_snapshots(action.verb)) return check_snapshot_name(action.snapshot);
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
