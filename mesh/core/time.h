#pragma once

#include "mesh/core/error.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace ctys {

using Duration = std::chrono::microseconds;

/// A point on the monotonic clock of one process; never sent, never stored.
struct Instant {
    Duration since_start{};

    auto operator<=>(const Instant&) const = default;
    friend Instant operator+(Instant at, Duration span) { return {at.since_start + span}; }
    friend Instant operator-(Instant at, Duration span) { return {at.since_start - span}; }
    friend Duration operator-(Instant a, Instant b) { return a.since_start - b.since_start; }
};

/// Wall clock, microseconds since 1970-01-01 UTC: for people and for records, never for deadlines.
struct WallTime {
    std::int64_t us = 0;

    /// RFC 3339 in UTC, with or without a fraction. Errors: Malformed.
    [[nodiscard]] static Result<WallTime> parse(std::string_view text);
    /// "2026-03-01T14:02:06.114000Z": RFC 3339, UTC, always six decimals.
    [[nodiscard]] std::string to_rfc3339() const;
    [[nodiscard]] bool is_none() const { return us == 0; }

    auto operator<=>(const WallTime&) const = default;
    friend WallTime operator+(WallTime at, Duration span) { return {at.us + span.count()}; }
    friend WallTime operator-(WallTime at, Duration span) { return {at.us - span.count()}; }
    friend Duration operator-(WallTime a, WallTime b) { return Duration{a.us - b.us}; }
};

/// Both clocks at the moment an input arrived; cores see no other time.
struct Now {
    Instant instant;
    WallTime wall;
};

/// A span as people write it: "90" (seconds), "500ms", "10s", "3m", "1m30s", "2h", "1d".
/// Negative and empty spans are errors. Errors: Malformed.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// At most two units: "0.3 s", "2.1 s", "47s", "6m12s", "4h12m", "12d".
[[nodiscard]] std::string to_short_text(Duration span);

} // namespace ctys
