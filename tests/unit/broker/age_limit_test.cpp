#include "broker/core/age_limit.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::broker;
using std::chrono::hours;

namespace {

Now after(Duration span, Duration jump = {}) {
    return {Instant{span}, WallTime{1'772'000'000'000'000} + span + jump};
}

} // namespace

TEST_CASE("what becomes too old goes as time passes", "[broker]") {
    AgeLimit limit{hours{24}};
    const auto oldest = after(-hours{24}).wall;

    CHECK(limit.cut(oldest, after({})) == oldest);
    CHECK(limit.cut(oldest, after(hours{1})) == after(-hours{23}).wall);
}

TEST_CASE("a clock that jumps ahead empties the journal by an hour per hour", "[broker]") {
    AgeLimit limit{hours{24}};
    const auto oldest = after(-hours{24}).wall;
    static_cast<void>(limit.cut(oldest, after({})));

    const auto cut = limit.cut(oldest, after(hours{1}, hours{24 * 365}));

    CHECK(cut == after(-hours{22}).wall);
}

TEST_CASE("hours without events are passed over at once", "[broker]") {
    AgeLimit limit{hours{24}};

    const auto cut = limit.cut(after(-hours{30}).wall, after({}));

    CHECK(cut == after(-hours{30}).wall);
    CHECK(limit.cut(after(-hours{25}).wall, after({})) == after(-hours{25}).wall);
}
