#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

/// A part of an argument and the column (1-based) it began at.
struct Piece {
    std::string text;
    std::size_t column = 1;

    bool operator==(const Piece&) const = default;
};

/// Pieces between single separators; a doubled separator, or one after a backslash, is the
/// character itself (CTYS-REFERENCE 3.1). `column` is that of the first character.
[[nodiscard]] std::vector<Piece>
split_masked(std::string_view text, char separator, std::size_t column = 1);

} // namespace ctys
