#pragma once

#include "mesh/core/query.h"
#include "tools/output/listing.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// LABEL STATE WORKER UP ADDRESS ACCEL OWNER PATHS NOTE; wide adds the rest of UX. A name is the
/// label where the broker said that it is unique, else u:UUID.
[[nodiscard]] const Listing<VmRow>& vm_listing();

/// Running first, then by label, then by id.
void sort_for_people(std::vector<VmRow>& rows);

/// An owner that has commands of its own: libvirt, Proxmox, Incus.
[[nodiscard]] constexpr bool is_of_another_manager(Owner owner) {
    return owner == Owner::Libvirt || owner == Owner::Proxmox || owner == Owner::Incus;
}
/// "running", or "running (14m ago)" when nothing confirmed it for more than five seconds.
[[nodiscard]] std::string state_text(const VmRow& row);
[[nodiscard]] Tone tone_of(VmState state);
/// "8 VMs, 6 running on 3 workers".
[[nodiscard]] std::string summary_of(const std::vector<VmRow>& rows);

/// Every member of a row, without the braces: the 22 LIST fields of the original under their own
/// names, and ours.
void append_vm_members(JsonWriter& out, const VmRow& row);

} // namespace ctys::tools
