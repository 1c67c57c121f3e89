#pragma once

#include "mesh/core/query.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// What follows --filter, checked against these fields. Errors: Usage, with what was most likely
/// meant as the thing to try.
[[nodiscard]] Result<std::vector<Filter>> parse_filters(const std::vector<std::string>& texts,
                                                        const FilterFields& fields);

} // namespace ctys::tools
