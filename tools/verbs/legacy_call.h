#pragma once

#include "tools/legacy/command_line.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

/// Carries out a call in the original's language. create and cancel return when they are durable
/// and print the action's id, unless -b sync was given. Errors: those of the verbs.
[[nodiscard]] Status run_legacy(Session& session, const legacy::CommandLine& line);

} // namespace ctys::tools
