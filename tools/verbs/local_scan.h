#pragma once

#include "mesh/core/query.h"
#include "tools/verbs/session.h"

#include <string_view>
#include <vector>

namespace ctys::tools {

/// What this machine runs and stores, by `ctys-agent --discover -o jsonl`: needs no broker and no
/// running agent. Errors: Failed, in the words of the agent; TimedOut.
[[nodiscard]] Result<std::vector<VmRow>> scan_locally(Session& session);

/// One line of that output; pure. Unknown members are ignored, missing ones keep their default.
/// Errors: Malformed.
[[nodiscard]] Result<VmRow> parse_vm_row(std::string_view json);

} // namespace ctys::tools
