#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>

namespace ctys::call {

/// What errno says about a file; Failed. `what` could not be done, as in "write".
[[nodiscard]] tl::unexpected<Error> file_error(std::string_view what, const std::string& path);

} // namespace ctys::call
