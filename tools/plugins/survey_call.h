#pragma once

#include "mesh/core/worker.h"
#include "mesh/loop/event_loop.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// What this machine has, by `ctys-agent --probe -o record`: needs no broker and no running agent.
/// `call` is the command. Waits. Errors: TimedOut, Failed in the words of the agent, Malformed.
[[nodiscard]] Result<WorkerRecord>
survey_this_machine(loop::EventLoop& loop, std::vector<std::string> call, Duration patience);

} // namespace ctys::tools
