#include "mesh/core/id.h"

#include <charconv>

namespace ctys {

namespace {

bool parse_whole(std::string_view text, std::uint64_t& out, int base) {
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, out, base);
    return !text.empty() && error == std::errc{} && rest == end;
}

} // namespace

Result<ActionId> ActionId::parse(std::string_view text) {
    ActionId id;
    if (text.size() != 18 || text.substr(0, 2) != "a-" ||
        !parse_whole(text.substr(2), id.value, 16)) {
        return fail(ErrorCode::Malformed,
                    fmt::format("\"{}\" is not an action id (a- and 16 hexadecimal digits)",
                                text.substr(0, 64)));
    }
    return id;
}

std::string ActionId::to_string() const {
    return fmt::format("a-{:016x}", value);
}

Result<Cursor> Cursor::parse(std::string_view text) {
    Cursor cursor;
    const auto dash = text.find('-');
    if (dash == std::string_view::npos || !parse_whole(text.substr(0, dash), cursor.epoch, 10) ||
        !parse_whole(text.substr(dash + 1), cursor.sequence, 10)) {
        return fail(ErrorCode::Malformed,
                    fmt::format("\"{}\" is not a cursor (<epoch>-<sequence>)", text.substr(0, 64)));
    }
    return cursor;
}

std::string Cursor::to_string() const {
    return fmt::format("{}-{}", epoch, sequence);
}

} // namespace ctys
