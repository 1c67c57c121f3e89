#pragma once

#include "tools/plugins/plugin.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools {

/// "QEMU,VNC", "all": each once, in this order. Errors: Usage, Unsupported.
[[nodiscard]] Result<std::vector<PluginType>> parse_plugin_types(std::string_view text);

/// Whether the value of -d asks for a trace of the checks: the original's SYS, 64. As a level (the
/// number alone) from there on, as a pattern ("64,p") where that bit is set. Its other words are
/// understood and change nothing. Errors: Usage.
[[nodiscard]] Result<bool> traces_checks(std::string_view text);

} // namespace ctys::tools
