#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"
#include "tools/setup_vde/observed.h"

#include <string>
#include <vector>

namespace ctys::vde {

/// Runs the program to its end, in a session of its own, so that a Ctrl-C does not reach it in the
/// middle of what it does; as `owner`, if one is given. Returns what it printed. Errors:
/// Unsupported (there is no such program), TimedOut, Failed with its own words.
[[nodiscard]] Result<std::string> run_program(loop::EventLoop& loop,
                                              const std::vector<std::string>& argv,
                                              const Account* owner = nullptr);

/// Whether a program of this name is in PATH.
[[nodiscard]] bool has_program(const std::string& name);

/// Adds the folders that hold ip and vde_switch to PATH, where they are missing.
void complete_path();

} // namespace ctys::vde
