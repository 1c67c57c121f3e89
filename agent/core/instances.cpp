#include "agent/core/instances.h"

#include <fmt/format.h>

namespace ctys::agent {

Instance* Instances::find(const InstanceKey& key) {
    const auto found = instances_.find(key);
    return found == instances_.end() ? nullptr : &found->second;
}

const Instance* Instances::find_live(const VmId& vm) const {
    for (const auto& [key, instance] : instances_) {
        if (instance.record.vm == vm) return &instance;
    }
    return nullptr;
}

void Instances::keep(Turn& turn, const Instance& instance) {
    if (instance.ours) turn.then(KeepRecord{instance.record});
}

Event Instances::about(const Instance& instance, EventKind kind) {
    Event event{.kind = kind};
    event.vm = instance.record.vm;
    event.label = instance.record.label;
    event.new_state = instance.record.state;
    event.payload = instance.record;
    return event;
}

Instance& Instances::add(Turn& turn, InstanceRecord record, bool ours, bool adopted) {
    const auto key = record.key;
    auto& instance = instances_[key];
    record.worker = turn.worker().id;
    if (record.since.is_none()) record.since = turn.now().wall;
    instance.record = std::move(record);
    instance.ours = ours;
    if (adopted) return instance;
    keep(turn, instance);
    auto event = about(instance, kind_of(instance.record.state));
    event.time = instance.record.since;
    event.by = to_string(instance.record.owner);
    event.action = instance.record.started_by;
    event.text = fmt::format("pid {}", key.pid);
    turn.emit(std::move(event));
    return instance;
}

void Instances::set_state(Turn& turn,
                          Instance& instance,
                          VmState state,
                          std::string reason,
                          std::string by,
                          std::string text,
                          ActionId action) {
    auto& record = instance.record;
    // However it is ended: what is on disk stays there.
    if (state == VmState::Stopping && reason.empty() && keeps_saved_state(record))
        reason = record.reason;
    if (record.state == state && record.reason == reason) return;
    const auto old = record.state;
    record.state = state;
    record.reason = std::move(reason);
    record.since = turn.now().wall;
    keep(turn, instance);
    auto event = about(instance, kind_of(state));
    event.old_state = old;
    event.by = std::move(by);
    event.action = action;
    event.text = text.empty() ? record.reason : std::move(text);
    turn.emit(std::move(event));
}

void Instances::tell(Turn& turn, const Instance& instance, Event event) {
    keep(turn, instance);
    event.vm = instance.record.vm;
    event.label = instance.record.label;
    event.old_state = event.new_state = instance.record.state;
    event.payload = instance.record;
    turn.emit(std::move(event));
}

void Instances::changed(Turn& turn, const Instance& instance, std::string text) {
    Event event{.kind = EventKind::VmChanged};
    event.text = std::move(text);
    tell(turn, instance, std::move(event));
}

Ending Instances::explain(const Instance& instance, Ending ending) {
    // What we did ourselves says more than QEMU's word for it: "power cut at its 5 s deadline by
    // quit".
    const bool ours = ending.by == EndedBy::Host && !instance.last_stop.empty();
    if (ours || ending.detail.empty()) ending.detail = instance.last_stop;
    return ending;
}

void Instances::end(Turn& turn, const InstanceKey& key, Ending ending) {
    const auto found = instances_.find(key);
    if (found == instances_.end()) return;
    auto& instance = found->second;
    auto& record = instance.record;
    const auto old = record.state;
    ending = explain(instance, std::move(ending));
    const bool is_saved = keeps_saved_state(record);
    record.state = record.managed ? VmState::Stopped : VmState::Gone;
    record.reason = is_saved ? reason::suspended : std::string_view{};
    record.since = ending.at;
    record.ended = ending;
    auto event = about(instance, kind_of(record.state));
    if (is_saved) {
        event.kind = EventKind::Suspended;
        event.new_state = VmState::Suspended;
        event.data.emplace_back("reason", std::string{reason::suspended});
        if (saved_ends_.size() == remembered) saved_ends_.clear();
        saved_ends_.insert(key);
    }
    event.time = ending.at;
    event.old_state = old;
    event.by = to_string(ending.by);
    event.evidence = to_string(ending.evidence);
    event.text = ending.detail;
    event.action = instance.last_action;
    if (ending.exit_code >= 0)
        event.data.emplace_back("exit_code", std::to_string(ending.exit_code));
    if (ending.signal > 0) event.data.emplace_back("signal", std::to_string(ending.signal));
    if (!instance.last_stop.empty()) event.data.emplace_back("rung", instance.last_stop);
    turn.emit(std::move(event));
    if (instance.ours) turn.then(RemoveInstance{key});
    instances_.erase(found);
}

} // namespace ctys::agent
