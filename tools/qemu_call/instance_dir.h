#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>

namespace ctys::call {

/// Where a start by hand puts its instance: <runtime>/instances/<label>-<pid>.
[[nodiscard]] std::string default_instance_directory(const std::string& label);

/// Makes the directory and its missing parents, each 0700; one that exists must be ours and
/// closed to others, since sockets inside have no other guard. Errors: Failed, Refused.
[[nodiscard]] Status prepare_directory(const std::string& directory);

/// Writes a file that is either absent or complete. Errors: Failed.
[[nodiscard]] Status write_atomically(const std::string& path, std::string_view text);

} // namespace ctys::call
