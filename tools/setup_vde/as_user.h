#pragma once

#include "mesh/core/error.h"

#include <sys/types.h>
#include <vector>

namespace ctys::vde {

/// While it lives, files are looked at, changed and connected to with the rights of that user: in a
/// folder that everybody may write to, root must not follow what others have put there. Where this
/// process is not root it stays who it is. One at a time, in a process of one thread.
class AsUser {
public:
    /// Aborts where root may not become that user: nothing could be done safely.
    AsUser(uid_t uid, gid_t gid);
    ~AsUser();
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;

private:
    bool changed_ = false;
    std::vector<gid_t> groups_;
    gid_t gid_ = 0;
};

} // namespace ctys::vde
