#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>

namespace ctys::store {

/// What errno says about a file; Storage. `doing` as in "write".
[[nodiscard]] tl::unexpected<Error> file_error(std::string_view doing, const std::string& path);

} // namespace ctys::store
