#pragma once

#include "mesh/core/error.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::call {

/// CLI11 takes the next argument for the value of `--name=` with nothing behind it. Here it becomes
/// two arguments, the second one empty, where `valued` has the name; behind `--` nothing changes.
/// Errors: Usage for `--name=` of an option that takes no value.
[[nodiscard]] Result<std::vector<std::string>>
split_empty_values(std::span<const std::string> arguments,
                   std::span<const std::string_view> valued);

} // namespace ctys::call
