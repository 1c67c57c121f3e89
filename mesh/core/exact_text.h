#pragma once

#include "mesh/core/time.h"

namespace ctys {

/// As parse_duration reads it, in milliseconds at the finest, and never shorter: "0s", "1500ms",
/// "90s".
[[nodiscard]] std::string exact_text(Duration span);

} // namespace ctys
