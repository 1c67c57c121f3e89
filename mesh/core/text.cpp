#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace ctys {

namespace {

// Length of the well-formed sequence at the front of `bytes`, 0 if there is none.
std::size_t utf8_sequence(std::string_view bytes) {
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    const auto continues = [&](std::size_t i) {
        return i < bytes.size() && (at(i) & 0xc0) == 0x80;
    };
    const auto first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (!continues(1) || !continues(2)) return 0;
        if (first == 0xe0 && at(1) < 0xa0) return 0; // overlong
        if (first == 0xed && at(1) > 0x9f) return 0; // surrogate
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        if (first == 0xf0 && at(1) < 0x90) return 0;
        if (first == 0xf4 && at(1) > 0x8f) return 0;
        return 4;
    }
    return 0;
}

bool is_control(std::string_view sequence) {
    const auto first = static_cast<std::uint8_t>(sequence[0]);
    if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
    // U+0080..U+009F: C1 controls, which some terminals obey.
    return sequence.size() == 2 && first == 0xc2 && static_cast<std::uint8_t>(sequence[1]) < 0xa0;
}

} // namespace

bool is_utf8(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto length = utf8_sequence(bytes);
        if (length == 0) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

Status check_text(std::string_view what, std::string_view text, std::size_t limit) {
    if (text.size() > limit) {
        return fail(
            ErrorCode::Malformed,
            fmt::format("{} has {} bytes, at most {} are allowed", what, text.size(), limit));
    }
    if (text.find('\0') != std::string_view::npos) {
        return fail(ErrorCode::Malformed, fmt::format("{} contains a NUL byte", what));
    }
    if (!is_utf8(text)) return fail(ErrorCode::Malformed, fmt::format("{} is not UTF-8", what));
    return {};
}

std::string printable(std::string_view bytes, std::size_t limit) {
    std::string out;
    while (!bytes.empty() && out.size() < limit) {
        const auto length = utf8_sequence(bytes);
        const auto piece = bytes.substr(0, std::max<std::size_t>(length, 1));
        out += length == 0 || is_control(piece) ? std::string_view{"?"} : piece;
        bytes.remove_prefix(piece.size());
    }
    if (!bytes.empty()) out += "...";
    return out;
}

bool is_label(std::string_view text) {
    if (text.empty() || text.size() > 63 || text[0] == '-' || text[0] == '.') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
}

std::string to_lower(std::string_view text) {
    std::string out{text};
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return to_lower(a) == to_lower(b);
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> pieces;
    while (true) {
        const auto at = text.find(separator);
        pieces.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return pieces;
        text.remove_prefix(at + 1);
    }
}

} // namespace ctys
