#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace ctys::call {

/// The line of the configuration that gives this key its value: the last assignment, else the key
/// of the scan. 0 where there is none, as for what an option says or another file that is sourced.
[[nodiscard]] std::uint32_t line_of(std::string_view key, std::string_view configuration);

/// The file's text as far as line_of() needs it; empty where it cannot be read.
[[nodiscard]] std::string text_of_configuration(const std::string& path);

} // namespace ctys::call
