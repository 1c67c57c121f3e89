#pragma once

#include "mesh/core/vm.h"

#include <span>
#include <string>

namespace ctys::qemu {

/// What the owner of a VM calls it, for the owner's own commands. Each text is safe as a word of a
/// command line, or empty where the process does not tell it. A claim like all of a command line:
/// `pidfile`, which the owner alone can write, proves it.
struct OwnerHandle {
    std::string vmid;       ///< Proxmox: "100"
    std::string project;    ///< Incus: "default"
    std::string instance;   ///< Incus: its name in the project
    std::string connection; ///< libvirt: "qemu:///system", or "qemu:///session" of the VM's user
    std::string pidfile;    ///< names the process; empty where its user could write it as well
    std::string log; ///< libvirt: QEMU's stderr, with libvirt's word on the end; empty: not known

    bool operator==(const OwnerHandle&) const = default;
};

/// Sources: Proxmox' test/cfg2cmd (-id N, -pidfile /var/run/qemu-server/N.pid), Incus' driver_qemu
/// (-name NAME, -pidfile <folder>/[PROJECT_]NAME/qemu.pid), libvirt 9.0 (-name guest=NAME, files of
/// domain-N-NAME). Empty for other owners, and where these do not agree with each other.
[[nodiscard]] OwnerHandle owner_handle(Owner owner, std::span<const std::string> argv);

} // namespace ctys::qemu
