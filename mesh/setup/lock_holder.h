#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace ctys::setup {

/// The process that holds a role's lock file (mesh/setup/role_lock.h): nothing when the file does
/// not exist or nobody holds it; 0 when it is held and names nobody yet.
[[nodiscard]] std::optional<pid_t> lock_holder(const std::string& path);

/// The lock file can be looked at, and nobody holds it: its role does not run. Of what cannot be
/// looked at this says nothing.
[[nodiscard]] bool is_unheld(const std::string& path);

} // namespace ctys::setup
