#include "mesh/core/time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace ctys {

namespace {

using Days = std::chrono::sys_days;

// Digits [from, from+count) as a number, or -1.
int digits(std::string_view text, std::size_t from, std::size_t count) {
    if (from + count > text.size()) return -1;
    int value = 0;
    for (const char c : text.substr(from, count)) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

struct Unit {
    std::string_view name;
    double microseconds;
};

constexpr std::array units = {Unit{"ms", 1e3},
                              Unit{"s", 1e6},
                              Unit{"m", 60e6},
                              Unit{"h", 3600e6},
                              Unit{"d", 86400e6},
                              Unit{"us", 1}};

constexpr double longest_us = 100.0 * 366 * 86400e6; // a century: sums of a few never overflow

} // namespace

Result<WallTime> WallTime::parse(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorCode::Malformed,
                    fmt::format("\"{}\" is not a time (2026-03-01T14:02:06Z)", text.substr(0, 64)));
    };
    const int year = digits(text, 0, 4);
    const int month = digits(text, 5, 2);
    const int day = digits(text, 8, 2);
    const int hour = digits(text, 11, 2);
    const int minute = digits(text, 14, 2);
    const int second = digits(text, 17, 2);
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
        (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':' ||
        text.back() != 'Z') {
        return bad();
    }
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (year < 1970 || month < 1 || day < 1 || !date.ok() || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60) {
        return bad();
    }
    std::int64_t fraction = 0;
    if (text.size() > 20) {
        if (text[19] != '.' || text.size() > 27) return bad();
        std::int64_t scale = 100000;
        for (const char c : text.substr(20, text.size() - 21)) {
            if (c < '0' || c > '9') return bad();
            fraction += (c - '0') * scale;
            scale /= 10;
        }
    }
    const std::int64_t days = Days{date}.time_since_epoch().count();
    const std::int64_t seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    return WallTime{seconds * 1000000 + fraction};
}

std::string WallTime::to_rfc3339() const {
    const auto point = std::chrono::sys_time<Duration>{Duration{us}};
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date{day};
    const auto in_day = (point - day).count();
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()),
                       in_day / 3600000000,
                       in_day / 60000000 % 60,
                       in_day / 1000000 % 60,
                       in_day % 1000000);
}

Result<Duration> parse_duration(std::string_view text) {
    const auto bad = [&] {
        return fail(ErrorCode::Malformed,
                    fmt::format("\"{}\" is not a time span (90, 500ms, 10s, 1m30s, 2h, 1d)",
                                text.substr(0, 64)));
    };
    double total = 0;
    auto rest = text;
    if (rest.empty()) return bad();
    while (!rest.empty()) {
        double number = 0;
        const auto* end = rest.data() + rest.size();
        const auto [after, error] =
            std::from_chars(rest.data(), end, number, std::chars_format::fixed);
        if (error != std::errc{} || !(number >= 0)) return bad();
        rest.remove_prefix(static_cast<std::size_t>(after - rest.data()));
        auto scale = 1e6;
        if (!rest.empty()) {
            const Unit* best = nullptr;
            for (const auto& unit : units) {
                if (rest.starts_with(unit.name) &&
                    (best == nullptr || unit.name.size() > best->name.size())) {
                    best = &unit;
                }
            }
            if (best == nullptr) return bad();
            scale = best->microseconds;
            rest.remove_prefix(best->name.size());
        }
        total += number * scale;
        if (total > longest_us) return bad();
    }
    return Duration{static_cast<std::int64_t>(total)};
}

std::string to_short_text(Duration span) {
    const auto us = span.count() < 0 ? 0 : span.count();
    const auto seconds = us / 1000000;
    if (seconds < 10) return fmt::format("{}.{} s", seconds, us % 1000000 / 100000);
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 86400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d", seconds / 86400);
}

} // namespace ctys
