#pragma once

#include "tools/create_conf/variables.h"

namespace ctys::conf {

constexpr std::size_t max_value_bytes = 1024;

/// A value as it is written to a configuration: MAC addresses and UUIDs in lower case, words of a
/// choice as the table spells them. What a configuration cannot carry without being read as
/// something else by bash, by the scan or by QEMU is refused. An empty text is "none" and always
/// fits. Errors: Usage, one sentence that begins with the variable's name.
[[nodiscard]] Result<std::string> checked_value(const Variable& variable, std::string_view text);

} // namespace ctys::conf
