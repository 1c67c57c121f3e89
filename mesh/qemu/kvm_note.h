#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// What the agent of a machine has found out of KVM, for whoever assembles a command line there:
/// the file `kvm` in the runtime directory of the mesh. Pure.
struct KvmNote {
    bool usable = false;
    std::string why;                   ///< a sentence about it
    std::vector<std::string> binaries; ///< real paths of those that may use it

    bool operator==(const KvmNote&) const = default;
};

constexpr std::string_view kvm_note_file = "kvm";
constexpr std::size_t max_kvm_note_bytes = 64UL * 1024;

/// A line "usable" or "unusable", a line with the reason, then a line per binary.
[[nodiscard]] std::string to_text(const KvmNote& note);
/// Errors: Malformed.
[[nodiscard]] Result<KvmNote> parse_kvm_note(std::string_view text);

} // namespace ctys::qemu
