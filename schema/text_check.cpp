#include "schema/text_check.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ctys::schema {

namespace {

bool is_plain(std::string_view text) {
    constexpr std::uint64_t ones = 0x0101010101010101ULL;
    constexpr std::uint64_t tops = 0x8080808080808080ULL;
    while (text.size() >= sizeof(std::uint64_t)) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text.data(), sizeof eight);
        // The top bit of a byte is set in `eight` when it is not ASCII, and borrowed into where a
        // byte is zero (or follows one); bytes without the top bit cannot borrow otherwise.
        if (((eight | (eight - ones)) & tops) != 0) return false;
        text.remove_prefix(sizeof eight);
    }
    return std::all_of(
        text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) > 0; });
}

// Length of the character at the front, 0 when there is none.
std::size_t first_character(std::string_view text) {
    for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length) {
        if (text[0] != '\0' && is_utf8(text.substr(0, length))) return length;
    }
    return 0;
}

} // namespace

bool is_clean(std::string_view text, std::size_t limit) {
    if (text.size() > limit) return false;
    return is_plain(text) || check_text("text", text, limit).has_value();
}

std::string mended(std::string_view text, std::size_t limit) {
    std::string out;
    while (!text.empty() && out.size() < limit) {
        const auto length = first_character(text);
        if (out.size() + length > limit) break;
        out += length == 0 ? std::string_view{"?"} : text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

} // namespace ctys::schema
