#include "mesh/core/text.h"
#include "schema/text_check.h"

#include <catch2/catch.hpp>

#include <random>

using namespace ctys;

TEST_CASE("the fast check of a text agrees with the slow one", "[schema]") {
    std::mt19937 random{7};
    // Mostly ASCII, so that whole words are plain; the rest is anything.
    const auto any_byte = [&] {
        return static_cast<char>(random() % 16 == 0 ? random() % 256 : 1 + random() % 127);
    };
    std::size_t clean = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text(random() % 40, 'x');
        for (auto& c : text) {
            c = any_byte();
        }
        const bool expected = check_text("text", text, 32).has_value();
        clean += expected ? 1U : 0U;
        REQUIRE(schema::is_clean(text, 32) == expected);

        const auto mended = schema::mended(text, 32);
        REQUIRE(check_text("text", mended, 32));
        if (expected) REQUIRE(mended == text);
    }
    CHECK(clean > 1'000);
}

TEST_CASE("mending keeps whole characters", "[schema]") {
    CHECK(schema::mended("caf\u00e9", 5) == "caf\u00e9");
    CHECK(schema::mended("caf\u00e9", 4) == "caf");
    CHECK(schema::mended("a\xffz", 9) == "a?z");
    CHECK(schema::mended("\xe2\x82", 9) == "??");
    CHECK(schema::mended("", 9).empty());
}
