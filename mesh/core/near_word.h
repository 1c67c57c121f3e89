#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ctys {

/// The word of `known` that was most likely meant by `typed`, ignoring case: a longer word that
/// begins with it, or one within two edits (one for words of up to three letters).
[[nodiscard]] std::optional<std::string> near_word(std::string_view typed,
                                                   std::span<const std::string_view> known);

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

} // namespace ctys
