#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace ctys::broker {

/// Of steps of which each waits for those in its list: which waits, (step, for whom), close a
/// circle. Without them every step has its turn; none: there is no circle. Indices that are out of
/// range are no steps.
[[nodiscard]] std::vector<std::pair<std::uint32_t, std::uint32_t>>
closing_waits(const std::vector<std::vector<std::uint32_t>>& after);

} // namespace ctys::broker
