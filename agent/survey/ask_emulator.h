#pragma once

#include "agent/survey/description.h"
#include "agent/survey/probe_guest.h"
#include "mesh/loop/event_loop.h"

#include <functional>
#include <string>

namespace ctys::agent {

/// How the QEMUs of a survey are run: children in sessions of their own, each killed with all it
/// began at its limit, and when it has answered.
struct AskTerms {
    std::string folder;                          ///< private: their sockets and images
    Duration patience = std::chrono::seconds{8}; ///< for all answers of one
    std::function<bool()> is_cancelled = [] { return false; };
};

/// Asks one program what it is, over QMP. One that hangs, ends, or says what is no QMP is described
/// with a problem; where it still tells its version by `-version`, with that. Waits.
[[nodiscard]] Description
ask_emulator(loop::EventLoop& loop, const std::string& program, const AskTerms& terms);

/// Runs the probe guest. Waits.
[[nodiscard]] GuestOutcome run_probe_guest(loop::EventLoop& loop,
                                           const std::string& program,
                                           std::string_view accelerator,
                                           Duration limit,
                                           const AskTerms& terms);

} // namespace ctys::agent
