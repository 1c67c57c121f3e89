#pragma once

#include "mesh/core/error.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// What became of one of several targets.
struct FailedTarget {
    std::string target;
    Error error;
};

/// One result of a call with `targets` targets, of which these failed, in the order they were
/// given: done when none did; the error itself where there is one target; Partial for some of
/// several; else the code of the first. The evidence tells each failure.
[[nodiscard]] Status sum_up(const std::vector<FailedTarget>& failures, std::size_t targets);

} // namespace ctys::tools
