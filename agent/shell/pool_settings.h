#pragma once

#include "agent/scanner/scanner.h"
#include "mesh/setup/pool_file.h"
#include "mesh/setup/settings.h"

#include <vector>

namespace ctys::agent {

/// The pools of the configuration, then those of the pool file; a root named twice counts once and
/// is trusted if one of them says so. Errors: Usage (a path that is not absolute, an account that
/// does not exist).
[[nodiscard]] Result<std::vector<PoolSettings>>
pool_settings(const setup::Settings& settings, const std::vector<setup::PoolEntry>& entries);

} // namespace ctys::agent
