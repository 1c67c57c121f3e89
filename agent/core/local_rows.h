#pragma once

#include "agent/core/core.h"
#include "mesh/core/query.h"

namespace ctys::agent {

/// What this machine has, as rows of `ctys list`: live instances, and configurations that do not
/// run. Answers `ctys list --local` without a broker.
[[nodiscard]] std::vector<VmRow> local_rows(const AgentCore& core);

} // namespace ctys::agent
