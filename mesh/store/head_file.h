#pragma once

#include "mesh/core/id.h"

#include <optional>
#include <string>

namespace ctys::store {

/// A text file beside the store that says how far it had come: a journal found behind it is a
/// restored backup (DESIGN: epochs). Replaced atomically and synced with its directory.
/// Errors: Storage.
[[nodiscard]] Status write_head(const std::string& path, const Cursor& head);

/// None where there is no such file. Errors: Storage, Malformed.
[[nodiscard]] Result<std::optional<Cursor>> read_head(const std::string& path);

} // namespace ctys::store
