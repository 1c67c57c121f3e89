#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <string>

namespace ctys::tools {

/// The last lines of a file, of its last 64 KiB at most, each indented and made printable, without
/// control sequences of terminals: a guest prints what it likes, and nothing of it may steer the
/// terminal. Never waits, and follows no link. Empty where there is no such file. Errors: Conflict
/// (it is no regular file), Refused, Failed.
[[nodiscard]] Result<std::string> log_tail(const std::string& path, std::uint64_t lines);

} // namespace ctys::tools
