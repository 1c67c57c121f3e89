#pragma once

#include <string_view>

namespace ctys::qemu {

/// Whether an option (without dashes) is followed by an argument.
enum class Takes { Nothing, Argument, Unknown };

/// By the option tables of QEMU 7.2 for all targets, and the options that older versions had and
/// configurations still carry (-localtime, -soundhw, -kernel-kqemu, ...).
[[nodiscard]] Takes option_takes(std::string_view name);

} // namespace ctys::qemu
