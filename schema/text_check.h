#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ctys::schema {

/// True when check_text of mesh/core would accept it. Plain ASCII, nearly all text there is, is
/// looked at eight bytes at a time: checking text is the larger part of decoding a row otherwise.
[[nodiscard]] bool is_clean(std::string_view text, std::size_t limit);

/// The longest front part of at most `limit` bytes that ends with a whole character, with "?" for
/// every byte that is NUL or not UTF-8: is_clean.
[[nodiscard]] std::string mended(std::string_view text, std::size_t limit);

} // namespace ctys::schema
