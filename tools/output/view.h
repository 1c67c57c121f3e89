#pragma once

#include "mesh/core/error.h"
#include "mesh/core/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools {

enum class Format : std::uint8_t { Table, Wide, Json, Jsonl, Csv, Name };
/// "tree" and "dot", which a verb draws itself, are a Table. Nothing where there is no such format.
[[nodiscard]] std::optional<Format> parse_format(std::string_view text);
/// Those of every verb that lists rows.
[[nodiscard]] const std::vector<std::string_view>& common_formats();
[[nodiscard]] inline bool is_for_people(Format format) {
    return format == Format::Table || format == Format::Wide;
}

/// Offset of local time to UTC in seconds, east positive, at a Unix time.
using Zone = long (*)(std::int64_t unix_seconds);
[[nodiscard]] long utc_zone(std::int64_t unix_seconds);

/// What a renderer must know of where its text goes.
struct View {
    std::size_t width = 0; ///< columns of the terminal; 0: nothing is cut
    bool colour = false;
    bool utf8 = true;
    bool header = true;
    bool plain = false; ///< values for machines: no ages in words, full times
    WallTime now;
    Zone zone = utc_zone;
};

/// "14:02", "14:02:06", "14:02:06.114" in the zone of the view; with the date when it is
/// more than twelve hours from now.
enum class Grain : std::uint8_t { Minute, Second, Millisecond };
[[nodiscard]] std::string clock_text(WallTime at, Grain grain, const View& view);

} // namespace ctys::tools
