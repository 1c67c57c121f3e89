#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ctys::store {

/// A view of bytes. One that comes out of a transaction points into the map: it is valid only
/// until that transaction writes again or ends, and has no useful alignment.
using Bytes = std::span<const std::byte>;

[[nodiscard]] inline Bytes bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] inline std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Big-endian, so that the order of keys is the order of numbers. `at` has `size` bytes, at most 8.
inline void write_big_endian(std::byte* at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        at[size - 1 - i] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
    }
}

/// The inverse; `bytes` has at most 8 bytes.
[[nodiscard]] inline std::uint64_t read_big_endian(Bytes bytes) {
    std::uint64_t value = 0;
    for (const auto byte : bytes) {
        value = (value << 8) | std::to_integer<std::uint64_t>(byte);
    }
    return value;
}

} // namespace ctys::store
