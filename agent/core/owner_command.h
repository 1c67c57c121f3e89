#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/owner_handle.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// How the VMs of one owner are asked to end: a command of that owner (agent.toml [owner.*]).
struct OwnerCommand {
    /// Program and arguments, with the placeholders {label} {uuid} {pid} {vmid} {project}
    /// {instance} {connection} {timeout}. None: VMs of this owner are not asked.
    std::vector<std::string> words;
    std::string origin; ///< of the setting: "default", "/etc/ctys/agent.toml:7"
    bool found = true;  ///< its program is on this machine

    bool operator==(const OwnerCommand&) const = default;
};
using OwnerCommands = std::map<Owner, OwnerCommand>;

/// One command of an owner, ready to be run.
struct OwnerCall {
    std::vector<std::string> argv;
    std::string pidfile;  ///< has to name the process before it is run; empty: nothing proves it
    bool as_user = false; ///< by the user of the VM: its owner is a daemon of that user

    bool operator==(const OwnerCall&) const = default;
};

/// Errors: Usage (a placeholder that does not exist).
[[nodiscard]] Status check_owner_command(const std::vector<std::string>& words);

/// The command that asks this VM to end. A command that itself waits for the end does so for longer
/// than `wait`: what is cut, and when, is not its matter. Errors: Conflict, saying why the VM
/// cannot be asked.
[[nodiscard]] Result<OwnerCall> owner_call(const OwnerCommands& commands,
                                           const InstanceRecord& record,
                                           const qemu::OwnerHandle& handle,
                                           Duration wait);

/// "virsh" of "/usr/bin/virsh".
[[nodiscard]] std::string_view program_of(const OwnerCall& call);

} // namespace ctys::agent
