#include "mesh/core/id.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("a UUID is read in every usual spelling and written in one", "[core]") {
    const auto spelling = GENERATE("91d24b1a-0b2c-4d3e-8f90-0123456789ab",
                                   "91D24B1A-0B2C-4D3E-8F90-0123456789AB",
                                   "91d24b1a0b2c4d3e8f900123456789ab",
                                   "{91d24b1a-0b2c-4d3e-8f90-0123456789ab}");

    const auto uuid = Uuid::parse(spelling);

    REQUIRE(uuid);
    CHECK(uuid->to_string() == "91d24b1a-0b2c-4d3e-8f90-0123456789ab");
}

TEST_CASE("what is not a UUID is refused as malformed", "[core]") {
    const auto text = GENERATE("",
                               "91d24b1a",
                               "91d24b1a-0b2c-4d3e-8f90-0123456789ag",
                               "{",
                               "{}",
                               "91d24b1a-0b2c-4d3e-8f90-0123456789ab0",
                               "-");

    const auto uuid = Uuid::parse(text);

    REQUIRE_FALSE(uuid);
    CHECK(uuid.error().code == ErrorCode::Malformed);
}

TEST_CASE("zero, all ones and vendor junk identify nothing", "[core]") {
    const auto junk = GENERATE("00000000-0000-0000-0000-000000000000",
                               "ffffffff-ffff-ffff-ffff-ffffffffffff",
                               "03000200-0400-0500-0006-000700080009");
    CHECK_FALSE(Uuid::parse(junk)->identifies());
    CHECK(Uuid::parse("91d24b1a-0b2c-4d3e-8f90-0123456789ab")->identifies());
}

TEST_CASE("a name-based UUID matches the example of RFC 9562", "[core]") {
    const auto dns = Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").value();

    const auto uuid = Uuid::from_name(dns, "www.example.com");

    CHECK(uuid.to_string() == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST_CASE("cursors and action ids survive the way through text", "[core]") {
    CHECK(Cursor::parse("7-40211").value() == Cursor{7, 40211});
    CHECK(Cursor{7, 40211}.to_string() == "7-40211");
    CHECK(Cursor{6, 9} < Cursor{7, 1});
    const ActionId id{0x81d0f3c2a9b4e7d1};
    CHECK(ActionId::parse(id.to_string()).value() == id);
}

TEST_CASE("what is neither cursor nor action id is refused", "[core]") {
    const auto text =
        GENERATE("", "-", "1-", "-1", "1", "1-2x", "x-1", "1--2", "99999999999999999999-1");
    CHECK_FALSE(Cursor::parse(text));
    CHECK_FALSE(ActionId::parse(text));
}
