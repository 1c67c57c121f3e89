#pragma once

#include "mesh/core/action.h"

#include <optional>
#include <string>

namespace ctys {

/// An owner whose VMs are asked by a command, never by their monitor.
[[nodiscard]] constexpr bool has_commands(Owner owner) {
    return owner == Owner::Libvirt || owner == Owner::Proxmox || owner == Owner::Incus;
}

/// The process that an order is for, as far as it decides whether the order can be begun.
struct Addressee {
    std::string label;
    std::uint32_t pid = 0;
    std::string user;
    VmState state = VmState::Unknown;
    std::string reason;                 ///< of the state
    bool ours = false;                  ///< started through us
    bool monitor = false;               ///< there is one that we may use
    bool by_owner = false;              ///< its owner's command asks it, or would
    std::optional<Error> owner_refusal; ///< why that cannot ask it
    bool is_ending = false;             ///< somebody ends it already
    bool is_rebooting = false;          ///< it is asked to reboot
    bool guest_agent = false;           ///< it has a channel to one
};

/// As the inventory tells of it. A VM of ours whose monitor is awaited counts as one that has it,
/// and a channel to a guest agent: its orders wait for it, too.
[[nodiscard]] Addressee addressee_of(const InstanceRecord& instance);

/// Would the order be begun? The agent decides so of what it sees, the broker of a rehearsal by
/// what was told. Errors: Conflict; Unsupported (a verb that is for no process).
[[nodiscard]] Status check_order(const Action& action, const Addressee& vm);

/// Its guest is dead, and only a reset or an end helps.
[[nodiscard]] bool has_panicked(const InstanceRecord& instance);

} // namespace ctys
