#pragma once

#include "mesh/core/error.h"

#include <string>

namespace ctys::call {

/// Can this account give the image to a VM: a regular file or block device that it may read?
/// Errors: NotFound, Refused (it may not be read), Failed (it is something else).
[[nodiscard]] Status check_image(const std::string& path);

} // namespace ctys::call
