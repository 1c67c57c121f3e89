#pragma once

#include "mesh/core/error.h"

#include <string>

namespace ctys::store {

/// Refuses the types of file systems that live on another machine or behind a user process: their
/// locks and their memory maps do not keep what LMDB needs. `type` is statfs(2) f_type.
/// Errors: Storage, with what to do.
[[nodiscard]] Status check_file_system_type(const std::string& path, std::uint64_t type);

/// The same for the file system that holds `path`, which must exist.
[[nodiscard]] Status check_file_system(const std::string& path);

} // namespace ctys::store
