#pragma once

#include "mesh/core/error.h"

#include <string_view>

namespace ctys::store {

/// A return code of LMDB or an errno as an error that says what to do. `code` is not 0.
[[nodiscard]] Error lmdb_error(std::string_view doing, int code);

} // namespace ctys::store
