#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace ctys::agent {

struct PoolSettings {
    std::string root;     ///< absolute path
    bool trusted = false; ///< `ctys pool trust`
    bool watch = true;
    bool was_marked =
        false; ///< a marker was seen there once: none is written into what is empty now
    std::optional<uid_t> uid = {}; ///< `as = USER`, for exports that squash root
    std::optional<gid_t> gid = {};

    bool operator==(const PoolSettings&) const = default;
};

} // namespace ctys::agent
