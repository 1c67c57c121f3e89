#pragma once

#include "tools/create_conf/settings.h"

namespace ctys::conf {

/// `--levo`: every variable with its value and where that comes from, a line each. Dependent values
/// stay open as long as there is no LABEL. With colours blue is the call, green the environment,
/// cyan what depends on others.
[[nodiscard]] Result<std::string> list_variables(const Sources& sources, bool colours);

} // namespace ctys::conf
