#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"
#include "tools/setup_vde/request.h"

#include <string>
#include <vector>

namespace ctys::vde {

/// The words of ssh that do `request` on `machine`, with the account that `machine` names; no
/// password is asked for, and a machine that falls silent is given up. Pure.
[[nodiscard]] std::vector<std::string> words_for(const std::string& machine,
                                                 const Request& request);

/// Does it there; what is said there is said here as it comes. The exit status is that of the
/// program there. Where this end is given up, the other one comes to its end by itself.
/// Errors: Unreachable (ssh has said why), Unsupported (ssh or the program is not installed),
/// TimedOut, Interrupted.
[[nodiscard]] Result<int>
run_elsewhere(loop::EventLoop& loop, const std::string& machine, const Request& request);

/// One exit status for several machines, at least one: theirs where they agree, else that of
/// Partial.
[[nodiscard]] int status_of_all(const std::vector<int>& statuses);

} // namespace ctys::vde
