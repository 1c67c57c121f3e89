#pragma once

#include "mesh/qemu/boot_plan.h"

#include <string>

namespace ctys::call {

/// Reads the first emptied_bytes of an image or a device. Errors: Failed.
[[nodiscard]] Result<qemu::TargetFacts> look_at_target(const std::string& path);

/// Does what was decided: a new image of the target's size, or zeros over the first emptied_bytes
/// of a raw one; an image of another format is made anew by qemu-img. What it could not finish of
/// a new image is removed. Errors: Conflict for a target that a QEMU or a mount uses or that came
/// in between, Failed.
[[nodiscard]] Status prepare_target(const qemu::InstallTarget& target, qemu::Preparation what);

/// What prepare_target() would do, as a sentence; empty for nothing.
[[nodiscard]] std::string describe(const qemu::InstallTarget& target, qemu::Preparation what);

} // namespace ctys::call
