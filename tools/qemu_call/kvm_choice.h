#pragma once

#include "mesh/qemu/kvm_note.h"

#include <cstdint>
#include <optional>
#include <string>

namespace ctys::call {

/// What the configuration says of ACCELERATOR.
enum class KvmWish : std::uint8_t {
    Unsaid,   ///< nothing: KVM where it runs guests
    Kvm,      ///< KVM
    Emulation ///< QEMU or TCG
};

struct KvmChoice {
    bool use = false;
    std::string note; ///< for people, or empty

    bool operator==(const KvmChoice&) const = default;
};

struct KvmFacts {
    bool insists = false;               ///< CTYS_KVM=usable
    std::optional<qemu::KvmNote> known; ///< what the agent of this machine has found out
    BootId boot = {};                   ///< of this machine, now
    std::string binary;                 ///< real path of the QEMU that is started
    bool may_open = false;              ///< /dev/kvm, by the user that the VM runs as
};

/// KVM is used where a probe guest has come up under it, never because /dev/kvm opens. Pure.
[[nodiscard]] KvmChoice choose_kvm(KvmWish wish, const KvmFacts& facts);

/// The note of the agent of this machine: at CTYS_KVM_NOTE, in the runtime directory of this user,
/// or in that of the system. Nothing where there is none that root or this user wrote.
[[nodiscard]] std::optional<qemu::KvmNote> read_kvm_note();

} // namespace ctys::call
