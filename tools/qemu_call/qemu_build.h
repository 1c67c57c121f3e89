#pragma once

#include "mesh/qemu/assemble.h"
#include "mesh/qemu/kvm_note.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ctys::call {

/// Absolute path of the QEMU that the plan names; empty where this machine has none. `notes`
/// receives a sentence where another one takes its place.
[[nodiscard]] std::string find_qemu(const qemu::VmPlan& plan, std::vector<std::string>& notes);

struct BuildVersion {
    qemu::QemuVersion version;
    std::string note; ///< for people, or empty

    bool operator==(const BuildVersion&) const = default;
};

/// For a program that prints two lines.
constexpr std::chrono::seconds version_patience{5};

/// What the agent's note says of this QEMU, if its file is as it was then; else QEMU is asked,
/// which takes about 35 ms. One that does not tell counts as 7.2.
[[nodiscard]] BuildVersion version_of(const std::string& binary,
                                      const std::optional<qemu::KvmNote>& known,
                                      std::chrono::milliseconds patience = version_patience);

} // namespace ctys::call
