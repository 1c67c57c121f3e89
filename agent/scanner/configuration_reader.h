#pragma once

#include "mesh/core/vm.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// What the text of a configuration says of its VM.
struct ReadConfiguration {
    VmRecord vm; ///< id none where the text has no UUID
    std::vector<std::string> warnings;
};

/// Never fails: what cannot be understood is a warning. `prefix` (of the file name) is the label
/// of a configuration that has none.
[[nodiscard]] ReadConfiguration read_configuration(std::string_view text, std::string_view prefix);

} // namespace ctys::agent
