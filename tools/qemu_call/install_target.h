#pragma once

#include "mesh/qemu/boot_plan.h"
#include "tools/qemu_call/file_look.h"

#include <optional>
#include <string>

namespace ctys::call {

struct TargetLook {
    qemu::TargetFacts facts;
    std::optional<FileIdentity> identity; ///< of one that exists
};

/// Looks at the target without changing it: at the first emptied_bytes of a raw one; of another
/// format, where INIT asks for it, through qemu-img. Errors: Conflict for a device that is mounted
/// or held otherwise, for what is neither file nor block device and for a link to nothing; NotFound
/// without its folder; Failed.
[[nodiscard]] Result<TargetLook> look_at_target(const qemu::InstallTarget& target);

/// Nobody has it open or mounted: no QEMU of this machine, and not as a device. Errors: Conflict,
/// also where it cannot be told; Failed.
[[nodiscard]] Status check_unused(const std::string& path);

/// Does what was decided: a new image of the target's size, or zeros over the first emptied_bytes
/// of a raw one; an image of another format is made anew by qemu-img. No QEMU of this machine can
/// open it meanwhile. A new image appears under its name when it is complete. Errors: Conflict for
/// a target that a QEMU or a mount uses, for one that is not `seen` any more and for one that came
/// in between; TimedOut when qemu-img hangs; Failed.
[[nodiscard]] Status prepare_target(const qemu::InstallTarget& target,
                                    qemu::Preparation what,
                                    const std::optional<FileIdentity>& seen);

/// What prepare_target() would do, as a sentence; empty for nothing.
[[nodiscard]] std::string
describe(const qemu::InstallTarget& target, qemu::Preparation what, const qemu::TargetFacts& facts);

} // namespace ctys::call
