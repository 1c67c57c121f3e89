#pragma once

#include "mesh/qemu/saved_state.h"

#include <optional>

namespace ctys::call {

/// The note beside this configuration, if there is one. Errors: Malformed, Failed.
[[nodiscard]] Result<std::optional<qemu::StateNote>> read_state_note(const std::string& config);
/// Durable when it returns. Errors: Failed.
[[nodiscard]] Status write_state_note(const std::string& config, const qemu::StateNote& note);
/// Durably away when it returns, also where there was none. Errors: Failed.
[[nodiscard]] Status remove_state_note(const std::string& config);

} // namespace ctys::call
