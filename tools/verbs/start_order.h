#pragma once

#include "tools/verbs/checks.h"

#include <set>

namespace ctys::tools {

/// A VM and the workers that could run it, by name.
struct PlacedVm {
    VmRow row;
    std::set<std::string> workers;
};

/// What of STARTAFTER is not obeyed as it stands: labels that no VM of the same worker has, or that
/// several have, and circles. Order is given among VMs of one worker only.
[[nodiscard]] std::vector<Finding> check_start_order(const std::vector<PlacedVm>& vms);

} // namespace ctys::tools
