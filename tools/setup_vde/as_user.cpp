#include "tools/setup_vde/as_user.h"

#include <algorithm>
#include <grp.h>
#include <unistd.h>

namespace ctys::vde {

AsUser::AsUser(uid_t uid, gid_t gid) {
    if (::geteuid() != 0 || uid == 0) return;
    groups_.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
    CTYS_ASSERT(::getgroups(static_cast<int>(groups_.size()), groups_.data()) >= 0);
    gid_ = ::getegid();
    CTYS_ASSERT(::setgroups(1, &gid) == 0 && ::setegid(gid) == 0 && ::seteuid(uid) == 0);
    changed_ = true;
}

AsUser::~AsUser() {
    if (!changed_) return;
    CTYS_ASSERT(::seteuid(0) == 0 && ::setegid(gid_) == 0);
    CTYS_ASSERT(::setgroups(groups_.size(), groups_.data()) == 0);
}

} // namespace ctys::vde
