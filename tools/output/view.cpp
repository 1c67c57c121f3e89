#include "tools/output/view.h"

#include <array>

namespace ctys::tools {

namespace {

struct FormatRow {
    std::string_view name;
    Format format;
};
constexpr std::array formats = {FormatRow{"table", Format::Table},
                                FormatRow{"wide", Format::Wide},
                                FormatRow{"json", Format::Json},
                                FormatRow{"jsonl", Format::Jsonl},
                                FormatRow{"csv", Format::Csv},
                                FormatRow{"name", Format::Name},
                                FormatRow{"tree", Format::Table},
                                FormatRow{"dot", Format::Table}};

// Beyond this a bare time of day would be taken for today's.
constexpr Duration same_day = std::chrono::hours{12};

} // namespace

std::optional<Format> parse_format(std::string_view text) {
    for (const auto& row : formats) {
        if (row.name == text) return row.format;
    }
    return std::nullopt;
}

const std::vector<std::string_view>& common_formats() {
    static const std::vector<std::string_view> names{
        "table", "wide", "json", "jsonl", "csv", "name"};
    return names;
}

long utc_zone(std::int64_t) {
    return 0;
}

std::string clock_text(WallTime at, Grain grain, const View& view) {
    const auto offset = std::chrono::seconds{view.zone(at.us / 1000000)};
    const auto text = (at + offset).to_rfc3339();
    constexpr std::size_t time_at = 11;
    const std::size_t length = grain == Grain::Minute ? 5 : grain == Grain::Second ? 8 : 12;
    const auto distance = view.now - at;
    if (distance > same_day || distance < -same_day) {
        return text.substr(0, 10) + " " + text.substr(time_at, length);
    }
    return text.substr(time_at, length);
}

} // namespace ctys::tools
