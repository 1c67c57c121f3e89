#include "mesh/core/exact_text.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("a span is written as it would be read, and never shorter", "[core]") {
    using namespace std::chrono_literals;
    CHECK(exact_text(90s) == "90s");
    CHECK(exact_text(500ms) == "500ms");
    CHECK(exact_text(1us) == "1ms");
    CHECK(exact_text(90s + 1us) == "90001ms");
    CHECK(exact_text(0s) == "0s");
    for (const auto span : {Duration{90500ms}, Duration{8760h}, Duration{0}})
        CHECK(parse_duration(exact_text(span)).value() == span);
}
