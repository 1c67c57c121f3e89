#pragma once

#include "mesh/core/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::setup {

/// What `ctys pool` has told an agent of one pool, beside its configuration.
struct PoolEntry {
    std::string root;     ///< absolute path, without a trailing slash
    bool trusted = false; ///< its identity counts without a marker, its paths without a proof

    bool operator==(const PoolEntry&) const = default;
};

/// `<state>/agent-NAME/pools.toml`: read by the agent when it starts and at SIGHUP, written by
/// `ctys pool add` and `ctys pool trust`; people may edit it.
[[nodiscard]] std::string pool_file(const std::string& agent_state);

/// Nothing where there is no file. Errors: those of read_config_file, Usage for what is no pool.
[[nodiscard]] Result<std::vector<PoolEntry>> read_pool_file(const std::string& path);
/// Replaces the file in one step, so that no reader sees half of it. Its folder must exist.
/// Errors: Usage (a path that is not absolute or has control characters), Refused, Storage.
[[nodiscard]] Status write_pool_file(const std::string& path,
                                     const std::vector<PoolEntry>& entries);

} // namespace ctys::setup
