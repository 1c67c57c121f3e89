#pragma once

#include "mesh/core/error.h"

#include <cstddef>
#include <span>
#include <string>

namespace ctys {

/// What a start hands to the wrapper of its VM beside the configuration: `--bootmode=CD`
/// (CTYS-REFERENCE 4.2). The wrapper decides what they mean.
constexpr std::size_t most_start_options = 16;
constexpr std::size_t most_start_option_bytes = 4096;

/// Errors: Usage, naming the option that nobody may hand over, is too long or has bytes that no
/// option has.
[[nodiscard]] Status check_start_options(std::span<const std::string> options);

/// Its target may be made, emptied, or prepared by a stage of the configuration's own, before its
/// QEMU is there.
[[nodiscard]] bool installs(std::span<const std::string> options);

/// They name a file of the worker, arguments of QEMU, or what may be destroyed: with them the
/// account of the VM does whatever the caller wants. Other media, and who looks at the VM, are for
/// whoever may start it.
[[nodiscard]] bool reach_beyond_the_vm(std::span<const std::string> options);

} // namespace ctys
