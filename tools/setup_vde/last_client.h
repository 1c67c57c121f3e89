#pragma once

#include "tools/setup_vde/machine.h"

#include <sys/types.h>

namespace ctys::vde {

/// Starts this program again, in the background, to cancel the switch when its last client has
/// left; after create it waits for a first one before. Returns its pid. Errors: as of
/// ChildProcess::start.
[[nodiscard]] Result<pid_t>
stay_behind(loop::EventLoop& loop, const Request& request, const Observed& machine, Stay stay);

/// Waits until the switch has no client any more, or is gone. False: interrupted.
[[nodiscard]] bool await_last_client(loop::EventLoop& loop,
                                     const Machine& performer,
                                     const Observed& machine,
                                     Stay stay);

} // namespace ctys::vde
