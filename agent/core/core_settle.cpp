// What a former life of the agent has left behind is settled from what is observed.

#include "agent/core/core.h"

#include <fmt/format.h>

namespace ctys::agent {

// Those of a host that went down have no intent.
void AgentCore::adopt_suspensions(Turn& turn) {
    for (const auto& [key, instance] : instances_.all()) {
        if (instance.ours && is_being_suspended(instance.record) && !suspension_.holds(key))
            suspension_.adopt(turn, *instances_.find(key), {});
    }
}

// A state that was loaded and never let run is as good as before: its note may have been taken.
void AgentCore::keep_state(Turn& turn, const InstanceRecord& record) {
    if (record.reason != reason::resuming) return;
    suspension_.put_note(turn, record, 0, /*saved=*/true);
}

void AgentCore::settle(Turn& turn, const Intent& intent) {
    Action action{.id = intent.action, .verb = intent.verb, .vm = intent.vm};
    const auto* live = instances_.find_live(intent.vm);
    const auto* same = intent.instance == InstanceKey{} ? live : instances_.find(intent.instance);
    Outcome outcome;
    const auto failed = [&](std::string why) {
        outcome.error = Error{.code = ErrorCode::Failed, .message = std::move(why)};
    };
    // Asking for it a second time harms nothing: a plan does, and whoever asks alone may.
    const auto interrupted = [&](std::string why) {
        if (same == nullptr) return failed("the VM ended while its agent was away");
        outcome.error = Error{
            .code = ErrorCode::Unreachable,
            .message = std::move(why),
            .try_next = fmt::format("ctys {} {}", to_string(intent.verb), same->record.label)};
    };
    switch (intent.verb) {
    case Verb::Start:
        if (live != nullptr && live->record.started_by == intent.action &&
            live->record.state != VmState::Starting) {
            outcome.text = fmt::format("running, pid {}", live->record.key.pid);
        } else {
            failed("its agent was restarted before the VM ran");
        }
        break;
    case Verb::Shutdown:
    case Verb::Kill:
        if (same == nullptr) {
            outcome.text = "gone while the agent was away";
        } else {
            interrupted("its agent was restarted; the VM still runs");
        }
        break;
    case Verb::Pause:
        if (same == nullptr || same->record.state != VmState::Paused)
            interrupted("its agent was restarted; the VM is not paused");
        break;
    case Verb::Resume:
        if (same == nullptr || same->record.state != VmState::Running)
            interrupted("its agent was restarted; the VM does not run");
        break;
    case Verb::Scan:
        failed("its agent was restarted");
        break;
    case Verb::Suspend:
        if (same == nullptr) {
            if (!instances_.has_suspended(intent.instance))
                failed("the VM ended while its agent was away, before its state was known to be "
                       "saved");
            outcome.text = "suspended to disk while the agent was away";
        } else if (is_being_suspended(same->record)) {
            const auto key = same->record.key;
            works_.adopt(action, same->record.label, key);
            return suspension_.adopt(turn, *instances_.find(key), intent.action);
        } else {
            interrupted("its agent was restarted before its state was saved; it runs on");
        }
        break;
    case Verb::Eject:
    case Verb::ChangeMedium:
        if (same == nullptr) {
            failed("the VM ended while its agent was away");
            break;
        }
        action.device = intent.device;
        action.image = intent.image;
        works_.adopt(action, same->record.label, same->record.key);
        return media_.adopt(turn, *same, action);
    case Verb::SaveSnapshot:
    case Verb::RevertSnapshot:
    case Verb::DeleteSnapshot:
        if (same == nullptr) {
            failed("the VM ended while its agent was away");
            break;
        }
        action.snapshot = intent.snapshot;
        works_.adopt(action, same->record.label, same->record.key);
        return snapshots_.adopt(turn, *same, action);
    case Verb::Init:
        if (intent.instance == InstanceKey{}) {
            outcome =
                OwnMachine::recovered(!memory_.boot.is_none() && memory_.boot != worker_.boot);
            break;
        }
        [[fallthrough]]; // by the agent of a guest
    case Verb::Reset:
    case Verb::Reboot:
        outcome.error = Error{
            .code = ErrorCode::Indeterminate,
            .message =
                "its agent was restarted; it may or may not have happened, and is not repeated"};
        break;
    }
    works_.adopt(action, live != nullptr ? live->record.label : std::string{}, intent.instance);
    works_.end(turn, intent.action, std::move(outcome));
}

} // namespace ctys::agent
