#pragma once

#include <sys/fsuid.h>
#include <unistd.h>

namespace ctys::support {

/// What this thread asks of files, it asks as an account without rights; others do already.
class WithoutRights {
public:
    WithoutRights() {
        if (::geteuid() == 0) ::setfsuid(nobody);
    }
    ~WithoutRights() { ::setfsuid(::geteuid()); }
    WithoutRights(const WithoutRights&) = delete;
    WithoutRights& operator=(const WithoutRights&) = delete;

private:
    static constexpr uid_t nobody = 65534;
};

} // namespace ctys::support
