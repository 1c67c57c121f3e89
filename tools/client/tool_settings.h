#pragma once

#include "mesh/setup/settings.h"

namespace ctys::tools {

/// The settings of ctys and the commands beside it: ctys.toml and the environment. Errors: Usage.
[[nodiscard]] Result<setup::Settings> load_tool_settings();

} // namespace ctys::tools
