#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ctys::testing {

/// A kernel of some twenty instructions that prints "up" on the first serial port of the board and
/// stays there: for integratorcp (ARM926) and mcf5208evb (ColdFire), which have no firmware. Empty
/// for another machine.
[[nodiscard]] std::vector<std::uint8_t> board_kernel(const std::string& machine);

} // namespace ctys::testing
