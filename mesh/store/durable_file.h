#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>

namespace ctys::store {

/// Replaces a small file so that after a crash there is the old text or the new one, whole: written
/// beside it, synced, renamed, and the directory synced. Errors: Storage.
[[nodiscard]] Status write_durably(const std::string& path, std::string_view text);

} // namespace ctys::store
