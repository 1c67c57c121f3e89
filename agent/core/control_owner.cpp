// Control, as far as the owners of foreign VMs are concerned: their commands ask, the ladder cuts.

#include "agent/core/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ctys::agent {

bool Control::is_asked_by_owner(const Instance& instance) const {
    return has_commands(instance.record.owner) &&
           owner_call(owners_, instance.record, instance.handle, asked_patience).has_value();
}

std::optional<std::string> Control::ask_owner(Turn& turn, const Instance& instance) {
    const auto& key = instance.record.key;
    auto& descent = descents_.at(key);
    // Proxmox and Incus wait for the end: the first question still stands.
    if (descent.owner_asks) return std::nullopt;
    const auto until = descent.ladder.cut_at().value_or(descent.begun + asked_patience);
    const auto left = std::max(Duration{}, until - turn.now().instant);
    auto call = owner_call(owners_, instance.record, instance.handle, left);
    if (!call) return std::nullopt;
    descent.owner_asks = true;
    auto words = fmt::format("{}", fmt::join(call->argv, " "));
    turn.then(RunOwnerCommand{.key = key, .call = std::move(*call), .patience = left});
    return words;
}

void Control::on_owner_command(Turn& turn, const OwnerCommandEnded& ended) {
    auto* instance = instances_.find(ended.key);
    const auto found = descents_.find(ended.key);
    if (instance == nullptr || found == descents_.end()) return;
    auto& descent = found->second;
    descent.owner_asks = false;
    if (ended.exit_code == 0) {
        descent.owner_asked = true;
        return;
    }
    // Nor is it of account where the power is being cut already, or where the VM was asked before:
    // an owner refuses to ask one that is on its way down.
    if (descent.owner_asked || descent.ladder.state() != Ladder::State::Asking) return;
    give_up(
        turn,
        *instance,
        ErrorCode::Failed,
        fmt::format("the command of its owner ended with {}: {}", ended.exit_code, ended.output));
}

void Control::use_owners(Turn& turn, OwnerCommands owners) {
    owners_ = std::move(owners);
    std::vector<InstanceKey> keys;
    for (const auto& [key, instance] : instances_.all()) {
        if (has_commands(instance.record.owner)) keys.push_back(key);
    }
    for (const auto& key : keys) {
        auto& instance = *instances_.find(key);
        auto& record = instance.record;
        const auto before = std::pair{record.can_ask, record.note};
        tell_asking(record, instance.handle);
        if (before != std::pair{record.can_ask, record.note})
            instances_.changed(turn, instance, record.note);
    }
}

void Control::tell_asking(InstanceRecord& record, const qemu::OwnerHandle& handle) const {
    if (!has_commands(record.owner)) return;
    const auto call = owner_call(owners_, record, handle, asked_patience);
    record.can_ask = call.has_value();
    record.note = call ? fmt::format("stops through {}", program_of(*call)) : call.error().message;
}

} // namespace ctys::agent
