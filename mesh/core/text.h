#pragma once

#include "mesh/core/error.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

/// True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view bytes);

/// Text that came from outside: well-formed UTF-8, no NUL, at most `limit` bytes.
/// Errors: Malformed, naming `what`.
[[nodiscard]] Status check_text(std::string_view what, std::string_view text, std::size_t limit);

/// Makes any bytes printable: control characters and malformed UTF-8 become "?". For terminals,
/// logs and messages about hostile input.
[[nodiscard]] std::string printable(std::string_view bytes, std::size_t limit = 400);

/// A label of a VM: [a-zA-Z0-9_.-], 1 to 63 bytes, not starting with '-' or '.'
/// (the original allows 29 bytes of [a-zA-Z0-9_-]; host names need the rest).
[[nodiscard]] bool is_label(std::string_view text);

[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view trim(std::string_view text);
/// Pieces between separators; an empty text gives one empty piece.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

} // namespace ctys
