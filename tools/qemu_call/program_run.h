#pragma once

#include "mesh/core/error.h"

#include <chrono>
#include <string>
#include <vector>

namespace ctys::call {

/// How a program ended, and what it said on both outputs.
struct ProgramEnd {
    int status = 0; ///< exit status, or 128 with a signal
    std::string said;
    bool cut = false; ///< it said more than max_said_bytes, and was ended for it
};

constexpr std::size_t max_said_bytes = std::size_t{1024} * 1024;

/// Runs a program of PATH with nothing to read. Errors: Failed when it cannot be run, TimedOut when
/// the patience ended. It is gone then, and so are its children and theirs; only a daemon, which
/// has left its parent, goes on. Of a process with one thread.
[[nodiscard]] Result<ProgramEnd> run_program(std::vector<std::string> argv,
                                             std::chrono::milliseconds patience);

} // namespace ctys::call
