#pragma once

#include <cstdint>

namespace ctys::qemu {

/// RFB: the port of display 0.
inline constexpr std::uint32_t vnc_base_port = 5900;

} // namespace ctys::qemu
