#include "tools/client/action_wait.h"

#include "mesh/core/exact_text.h"
#include "tools/client/sum_up.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ctys::tools {

namespace {

WallTime requested_of(const ActionWait::Progress& progress) {
    return progress.record ? progress.record->requested : WallTime{};
}

std::string_view find_fact(const Event& event, std::string_view key) {
    for (const auto& [name, value] : event.data) {
        if (name == key) return value;
    }
    return {};
}

constexpr std::size_t steps_in_line = 4;

/// A worker that was restarted knows what it did to which VM, and not within which time.
void complete_hint(ActionRecord& record) {
    if (!record.outcome || !record.outcome->error || !record.action.deadline) return;
    auto& error = *record.outcome->error;
    const auto same = fmt::format("ctys {} ", to_string(record.action.verb));
    if (error.code != ErrorCode::Unreachable || !error.try_next.starts_with(same)) return;
    if (error.try_next.find(" --") != std::string::npos) return;
    error.try_next += fmt::format(" --deadline {}", exact_text(*record.action.deadline));
}

} // namespace

/// An event about one VM of a plan: it is the plan's action that it belongs to.
bool ActionWait::take_step(Progress& progress, const Event& event) {
    const auto number = find_fact(event, "step");
    std::uint32_t index = 0;
    const auto* end = number.data() + number.size();
    if (number.empty() || std::from_chars(number.data(), end, index).ptr != end) return false;
    progress.steps[index] = {event.label, std::string{find_fact(event, "state")}, event.text};
    progress.of = find_fact(event, "of");
    std::erase(progress.told, index);
    progress.told.push_back(index);
    return true;
}

/// "2 of 4 over  ok sensor: gone after 2.1 s  .. l2db: shutdown asked"
std::string ActionWait::line_of(const Progress& progress) {
    std::size_t over = 0;
    for (const auto& [index, step] : progress.steps) {
        if (step.state != "waiting" && step.state != "asked") ++over;
    }
    auto line = fmt::format("{} of {} over", over, progress.of);
    const auto first = progress.told.size() > steps_in_line
                           ? progress.told.end() - std::ptrdiff_t{steps_in_line}
                           : progress.told.begin();
    for (auto it = first; it != progress.told.end(); ++it) {
        const auto& step = progress.steps.at(*it);
        const auto* mark = step.state == "done"                               ? "ok"
                           : step.state == "asked" || step.state == "waiting" ? ".."
                                                                              : "!!";
        line += fmt::format("  {} {}", mark, step.text);
    }
    return line;
}

ActionWait::ActionWait(const std::vector<ActionId>& ids) : order_(ids) {
    for (const auto id : ids)
        actions_[id];
}

bool ActionWait::on_event(const Event& event) {
    const auto found = actions_.find(event.action);
    if (found == actions_.end()) return false;
    auto& progress = found->second;
    if (take_step(progress, event)) return true;
    if (!event.label.empty()) progress.label = event.label;
    if (const auto* record = std::get_if<ActionRecord>(&event.payload)) {
        // A worker's word about the end does not know when it was asked, but the one who watches
        // has seen it.
        auto dated = *record;
        if (dated.requested.is_none()) dated.requested = requested_of(progress);
        if (dated.outcome && dated.ended.is_none()) dated.ended = event.time;
        on_record(dated);
    }
    if (event.kind == EventKind::ActionRequested && progress.record &&
        progress.record->requested.is_none()) {
        progress.record->requested = event.time;
    }
    if (event.kind == EventKind::ActionEnded) progress.ended = true;
    if (!event.text.empty() && !progress.ended) {
        progress.text = event.text;
    } else if (event.text.empty() && family(event.kind) == EventFamily::Vm) {
        progress.text = to_string(event.kind);
    }
    return true;
}

void ActionWait::on_record(const ActionRecord& record) {
    const auto found = actions_.find(record.action.id);
    if (found == actions_.end()) return;
    auto& progress = found->second;
    auto deadline = record.action.deadline;
    if (!deadline && progress.record) deadline = progress.record->action.deadline;
    progress.record = record;
    progress.record->action.deadline = deadline;
    complete_hint(*progress.record);
    if (!record.label.empty()) progress.label = record.label;
    if (!record.outcome) return;
    progress.ended = true;
    progress.text = record.outcome->ok() ? record.outcome->text : record.outcome->error->message;
}

bool ActionWait::is_done() const {
    return std::all_of(actions_.begin(), actions_.end(), [](const auto& item) {
        return item.second.record && item.second.record->outcome;
    });
}

bool ActionWait::has_ended(ActionId id) const {
    const auto found = actions_.find(id);
    return found != actions_.end() && found->second.ended;
}

std::vector<ActionId> ActionWait::without_record() const {
    std::vector<ActionId> ids;
    for (const auto& [id, progress] : actions_) {
        if (progress.ended && !(progress.record && progress.record->outcome)) ids.push_back(id);
    }
    return ids;
}

std::string ActionWait::line() const {
    std::vector<std::string> parts;
    for (const auto id : order_) {
        const auto& progress = actions_.at(id);
        if (!progress.ended && !progress.steps.empty()) {
            parts.push_back(line_of(progress));
            continue;
        }
        const bool ok =
            progress.record && progress.record->outcome && progress.record->outcome->ok();
        parts.push_back(fmt::format("{} {} {}",
                                    !progress.ended ? ".."
                                    : ok            ? "ok"
                                                    : "failed",
                                    progress.label,
                                    progress.text));
    }
    return fmt::format("{}", fmt::join(parts, "  "));
}

std::optional<Duration> ActionWait::deadline() const {
    std::optional<Duration> longest;
    for (const auto& [id, progress] : actions_) {
        if (progress.record && !progress.record->outcome && progress.record->action.deadline)
            longest = std::max(longest.value_or(Duration{}), *progress.record->action.deadline);
    }
    return longest;
}

Status ActionWait::outcome() const {
    std::vector<FailedTarget> failures;
    for (const auto id : order_) {
        const auto& progress = actions_.at(id);
        if (!progress.record || !progress.record->outcome) continue;
        if (const auto& error = progress.record->outcome->error)
            failures.push_back({progress.label, *error});
    }
    return sum_up(failures, order_.size());
}

} // namespace ctys::tools
