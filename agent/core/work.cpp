#include "agent/core/work.h"

namespace ctys::agent {

Work* WorkTable::find(ActionId id) {
    const auto found = works_.find(id);
    return found == works_.end() ? nullptr : &found->second;
}

msg::CommandStatus::Known WorkTable::known(ActionId id) const {
    if (works_.contains(id)) return msg::CommandStatus::Known::Running;
    return ended_.contains(id) ? msg::CommandStatus::Known::Ended
                               : msg::CommandStatus::Known::Never;
}

Event WorkTable::about(const Work& work, EventKind kind, std::string text) {
    Event event{.kind = kind};
    event.vm = work.action.vm;
    event.label = work.label;
    event.action = work.action.id;
    event.by = work.action.principal.name;
    event.text = std::move(text);
    return event;
}

Work& WorkTable::begin(Turn& turn,
                       const Action& action,
                       std::string label,
                       const InstanceKey& instance) {
    auto& work = works_[action.id];
    work = Work{.action = action,
                .label = std::move(label),
                .instance = instance,
                .begun = turn.now().instant};
    turn.begin(Intent{.action = action.id,
                      .verb = action.verb,
                      .instance = instance,
                      .vm = action.vm,
                      .at = turn.now().wall,
                      .device = action.device,
                      .image = action.image,
                      .snapshot = action.snapshot});
    turn.emit(about(work, EventKind::ActionBegun, std::string{to_string(action.verb)}));
    return work;
}

void WorkTable::adopt(const Action& action, std::string label, const InstanceKey& instance) {
    works_[action.id] = Work{.action = action, .label = std::move(label), .instance = instance};
}

void WorkTable::progress(Turn& turn, const Work& work, std::string text) {
    turn.emit(about(work, EventKind::ActionProgress, std::move(text)));
}

void WorkTable::end(Turn& turn, ActionId id, Outcome outcome) {
    const auto found = works_.find(id);
    if (found == works_.end()) return;
    auto event = about(found->second,
                       EventKind::ActionEnded,
                       outcome.error ? outcome.error->message : outcome.text);
    if (outcome.error) event.data.emplace_back("code", std::string{to_string(outcome.error->code)});
    event.payload = ActionRecord{.action = found->second.action,
                                 .label = found->second.label,
                                 .state = ActionState::Ended,
                                 .outcome = std::move(outcome),
                                 .ended = turn.now().wall};
    turn.emit(std::move(event));
    turn.end(id);
    works_.erase(found);
    remember(id);
}

void WorkTable::refuse(ActionId id) {
    if (remember(id)) refused_.insert(id);
}

bool WorkTable::remember(ActionId id) {
    if (!ended_.insert(id).second) return false;
    ended_order_.push_back(id);
    if (ended_order_.size() > remembered) {
        ended_.erase(ended_order_.front());
        refused_.erase(ended_order_.front());
        ended_order_.erase(ended_order_.begin());
    }
    return true;
}

} // namespace ctys::agent
