// Starts by hand: a person runs the wrapper of a VM; its worker's agent asks here for the lease.

#include "broker/core/dispatcher.h"
#include "broker/core/placement.h"

#include <fmt/format.h>

namespace ctys::broker {

void Dispatcher::on_hand_start(Turn& turn,
                               const Member& member,
                               std::uint64_t correlation,
                               const msg::HandStart& asked) {
    using Answer = msg::HandGrant::Answer;
    const auto answer = [&](Answer what, std::uint64_t token, std::string reason) {
        turn.release(*member.peer,
                     correlation,
                     msg::HandGrant{.action = asked.action,
                                    .answer = what,
                                    .token = token,
                                    .reason = std::move(reason)});
    };
    if (const auto known = actions_.find(asked.action); known != actions_.end()) {
        const auto& record = known->second;
        if (record.state == ActionState::Ended || record.action.worker != member.record.id)
            return answer(Answer::Refused, 0, "this start has ended");
        return answer(Answer::Granted, record.action.token, {});
    }
    const auto vm = turn.inventory().vm(asked.vm);
    if (asked.action.is_none() || !vm)
        return answer(Answer::Refused, 0, "the broker does not know this VM yet");
    if (open_.size() >= most_open) return answer(Answer::Refused, 0, "too many actions are open");
    if (roster_.is_doubtful() || roster_.is_settling(member.record.id)) {
        return answer(
            Answer::Refused, 0, "the broker has just begun and asks its workers what they run");
    }
    if (!member.record.draining.is_none()) {
        return answer(
            Answer::Refused, 0, fmt::format("{} ends what runs here", member.record.draining));
    }
    const auto free =
        check_free(*vm, turn.inventory().instances(vm->id), leases_.find(vm->id), roster_);
    if (!free) return answer(Answer::Refused, 0, free.error().message);

    ActionRecord record{.action = {.id = asked.action, .verb = Verb::Start},
                        .label = vm->label,
                        // Nothing is sent: its agent tells how it ends, and is asked about it.
                        .state = ActionState::Running,
                        .progress = {},
                        .outcome = {},
                        .requested = turn.now().wall};
    record.action.target = asked.label;
    record.action.vm = vm->id;
    record.action.worker = member.record.id;
    record.action.config = asked.config;
    record.action.reason = asked.on_boot ? "on boot" : "by hand";
    record.action.principal = {.name = asked.user, .role = Role::Operator, .worker = {}};
    record.action.token = leases_.reserve(turn, vm->id, member.record.id, asked.action).token;
    open_.emplace(asked.action,
                  Open{.expires = turn.now().instant,
                       .maybe_sent = true,
                       .asked = turn.now().instant,
                       .saved = turn.now().instant});
    auto& stored = actions_.emplace(asked.action, std::move(record)).first->second;
    store(turn,
          stored,
          EventKind::ActionRequested,
          fmt::format(
              "start {} {}", vm->label, asked.on_boot ? "by its boot policy (ONBOOT)" : "by hand"));
    answer(Answer::Granted, stored.action.token, {});
}

} // namespace ctys::broker
