#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ctys {

/// 64-bit XXH3 of bytes: detects damage and change, resists no enemy.
[[nodiscard]] std::uint64_t digest(std::span<const std::byte> bytes, std::uint64_t seed = 0);
[[nodiscard]] std::uint64_t digest(std::string_view text, std::uint64_t seed = 0);

} // namespace ctys
