#pragma once

#include "mesh/setup/directories.h"

#include <string>
#include <string_view>

namespace ctys::setup {

/// The right to be the one broker, or the one agent of a name, of a state and a runtime directory:
/// locks on `<state>/<role>[-name]/lock` and `<runtime>/<role>[-name]/lock`, taken before LMDB and
/// before any bind. Both folders are made. The kernel frees the locks with the process.
class RoleLock {
public:
    /// `name` is empty or a label. Errors: Conflict (naming the holder's pid), Usage (bad name),
    /// those of prepare_directory.
    [[nodiscard]] static Result<RoleLock> acquire(const Directories& directories,
                                                  std::string_view role,
                                                  std::string_view name = {},
                                                  const DirectoryAccess& runtime_access = {});

    RoleLock(RoleLock&& other) noexcept;
    RoleLock& operator=(RoleLock&& other) noexcept;
    RoleLock(const RoleLock&) = delete;
    RoleLock& operator=(const RoleLock&) = delete;
    ~RoleLock();

    /// This role's own folders inside the two directories.
    [[nodiscard]] const Directories& folders() const { return folders_; }

private:
    explicit RoleLock(Directories folders) : folders_(std::move(folders)) {}

    Directories folders_;
    int state_lock_ = -1;
    int runtime_lock_ = -1;
};

} // namespace ctys::setup
