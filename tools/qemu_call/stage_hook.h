#pragma once

#include "mesh/qemu/boot_plan.h"

namespace ctys::call {

/// The configuration has a function inst_stage, which the wrapper exports for bash.
[[nodiscard]] bool has_stage_hook();

/// Runs inst_stage STAGE TARGET FORMAT in the working directory. Nobody else has the target open.
/// Errors: Failed with its words when it does not end with 0, Conflict for a target in use,
/// TimedOut.
[[nodiscard]] Status run_stage_hook(const qemu::InstallTarget& target);

} // namespace ctys::call
