#include "agent/shell/pool_settings.h"

#include "agent/scanner/naming.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <pwd.h>

namespace ctys::agent {

namespace {

Result<PoolSettings> one_pool(const setup::Settings& settings, const std::string& root) {
    if (!root.starts_with('/')) {
        return fail(ErrorCode::Usage,
                    fmt::format("pool \"{}\" is not an absolute path", printable(root, 200)));
    }
    PoolSettings pool{.root = normal_path(root, "/")};
    const auto name = pool.root.substr(pool.root.rfind('/') + 1);
    for (const auto& given : settings.names_like("pool.*.trust")) {
        if (given == "pool." + name + ".trust") pool.trusted = settings.boolean(given);
    }
    for (const auto& given : settings.names_like("pool.*.as")) {
        if (given != "pool." + name + ".as") continue;
        const auto* account = ::getpwnam(settings.text(given).c_str());
        if (account == nullptr) {
            return fail(
                ErrorCode::Usage,
                fmt::format("{}: no account {}", settings.origin(given), settings.text(given)));
        }
        pool.uid = account->pw_uid;
        pool.gid = account->pw_gid;
    }
    return pool;
}

} // namespace

Result<std::vector<PoolSettings>> pool_settings(const setup::Settings& settings,
                                                const std::vector<setup::PoolEntry>& entries) {
    std::vector<setup::PoolEntry> wanted;
    for (const auto& root : settings.texts("pools"))
        wanted.push_back({.root = root});
    wanted.insert(wanted.end(), entries.begin(), entries.end());
    std::vector<PoolSettings> pools;
    for (const auto& entry : wanted) {
        auto pool = one_pool(settings, entry.root);
        if (!pool) return tl::unexpected(pool.error());
        const auto known = std::find_if(pools.begin(), pools.end(), [&](const auto& other) {
            return other.root == pool->root;
        });
        if (known != pools.end()) {
            known->trusted = known->trusted || entry.trusted;
            continue;
        }
        pool->trusted = pool->trusted || entry.trusted;
        pools.push_back(std::move(*pool));
    }
    return pools;
}

} // namespace ctys::agent
