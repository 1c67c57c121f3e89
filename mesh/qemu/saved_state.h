#pragma once

#include "mesh/core/error.h"
#include "mesh/core/time.h"
#include "mesh/core/vm.h"

#include <string>
#include <string_view>

namespace ctys::qemu {

/// Name of the snapshot that `ctys suspend` makes in every image of a VM.
inline constexpr std::string_view saved_state_tag = "ctys-suspend";

/// The file beside a configuration that says: what this snapshot holds is how the VM stood when it
/// ended, and nothing has moved since. Only with it a start loads the snapshot.
struct StateNote {
    std::string tag;
    WallTime at;

    bool operator==(const StateNote&) const = default;
};

[[nodiscard]] std::string state_note_path(std::string_view config);
[[nodiscard]] std::string to_text(const StateNote& note);
/// Errors: Malformed.
[[nodiscard]] Result<StateNote> parse_state_note(std::string_view text);

/// Could its boot disk keep a state, by what its configuration says? What a configuration computes
/// is not known, and taken for good. The agent looks at the disks themselves. Errors: Conflict.
[[nodiscard]] Status check_keeps_state(const VmRecord& vm);

} // namespace ctys::qemu
