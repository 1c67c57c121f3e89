#pragma once

#include "mesh/core/error.h"

#include <string>
#include <sys/types.h>

namespace ctys::call {

/// A unix socket that listens at the path, over leftovers; closed with exec. Errors: Failed.
[[nodiscard]] Result<int> listen_at(const std::string& path);
/// A process listens at the path.
[[nodiscard]] bool somebody_listens_at(const std::string& path);
/// Who has dialled; -1 when there is nobody.
[[nodiscard]] int accept_one(int listener);
/// The process at the other end; 0 when it is not known.
[[nodiscard]] pid_t peer_of(int connection);
/// After recv() or send(): the other side is gone; EAGAIN is not.
[[nodiscard]] bool has_ended(ssize_t count);

} // namespace ctys::call
