#include "mesh/core/masked_text.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("separators are masked by doubling them", "[core]") {
    CHECK(split_masked("a,b", ',') == std::vector<Piece>{{"a", 1}, {"b", 3}});
    CHECK(split_masked("a,,b,c", ',') == std::vector<Piece>{{"a,b", 1}, {"c", 6}});
    CHECK(split_masked("a\\,b", ',') == std::vector<Piece>{{"a,b", 1}});
    CHECK(split_masked("", ',') == std::vector<Piece>{{"", 1}});
}
