#pragma once

#include "tools/verbs/checks.h"

namespace ctys::tools {

/// Configurations that are there and cannot be read, or are not taken as they stand; and what their
/// STARTAFTER says that the VMs of their workers do not fulfil.
[[nodiscard]] std::vector<Finding> check_configurations(Session& session);

} // namespace ctys::tools
