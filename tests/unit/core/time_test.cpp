#include "mesh/core/time.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace std::chrono_literals;

TEST_CASE("wall time is written as RFC 3339 with microseconds and read back", "[core]") {
    const WallTime time{1772373726114203};

    CHECK(time.to_rfc3339() == "2026-03-01T14:02:06.114203Z");
    CHECK(WallTime::parse(time.to_rfc3339()).value() == time);
    CHECK(WallTime::parse("2026-03-01T14:02:06Z").value() == WallTime{1772373726000000});
    CHECK(WallTime::parse("1970-01-01T00:00:00.5Z").value() == WallTime{500000});
}

TEST_CASE("what is not a time is refused", "[core]") {
    const auto text = GENERATE("",
                               "now",
                               "2026-13-01T00:00:00Z",
                               "2026-02-30T00:00:00Z",
                               "2026-03-01T24:00:00Z",
                               "2026-03-01T14:02:06",
                               "2026-03-01T14:02:06.Z1",
                               "2026-03-01T14:02:06.1234567Z");
    CHECK_FALSE(WallTime::parse(text));
}

TEST_CASE("time spans are read as people write them", "[core]") {
    CHECK(parse_duration("90").value() == 90s);
    CHECK(parse_duration("500ms").value() == 500ms);
    CHECK(parse_duration("1m30s").value() == 90s);
    CHECK(parse_duration("1.5h").value() == 90min);
    CHECK(parse_duration("2d").value() == 48h);
    CHECK(parse_duration("0").value() == 0s);
}

TEST_CASE("time spans that are none are refused", "[core]") {
    const auto text =
        GENERATE("", "s", "-1", "-5s", "5x", "1e9h", "nan", "inf", "5s-", "999999999d");
    CHECK_FALSE(parse_duration(text));
}

TEST_CASE("spans are shown with at most two units", "[core]") {
    CHECK(to_short_text(300ms) == "0.3 s");
    CHECK(to_short_text(47s) == "47s");
    CHECK(to_short_text(372s) == "6m12s");
    CHECK(to_short_text(4h + 12min) == "4h12m");
    CHECK(to_short_text(290h) == "12d");
}
