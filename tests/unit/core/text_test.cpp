#include "mesh/core/text.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("UTF-8 is accepted as RFC 3629 defines it", "[core]") {
    CHECK(is_utf8("plain"));
    CHECK(is_utf8("gr\xc3\xbc\xc3\x9f"));
    CHECK(is_utf8("\xf0\x9f\x90\xa7"));
    CHECK_FALSE(is_utf8("\xc0\xaf"));         // overlong
    CHECK_FALSE(is_utf8("\xed\xa0\x80"));     // surrogate
    CHECK_FALSE(is_utf8("\xf4\x90\x80\x80")); // beyond U+10FFFF
    CHECK_FALSE(is_utf8("cut \xe2\x82"));
}

TEST_CASE("text from outside is refused with what is wrong about it", "[core]") {
    CHECK(check_text("label", "web", 10));
    CHECK(check_text("label", "far too long", 5).error().message ==
          "label has 12 bytes, at most 5 are allowed");
    CHECK(check_text("label", std::string_view{"a\0b", 3}, 10).error().message ==
          "label contains a NUL byte");
    CHECK(check_text("label", "\xff", 10).error().message == "label is not UTF-8");
}

TEST_CASE("nothing printable for a terminal can control it", "[core]") {
    CHECK(printable("a\x1b[2Jb\n") == "a?[2Jb?");
    CHECK(printable("\xc2\x9b"
                    "31m") == "?31m");
    CHECK(printable("ok \xff") == "ok ?");
    CHECK(printable("abcdef", 3) == "abc...");
}

TEST_CASE("labels are words of host names", "[core]") {
    CHECK(is_label("tst-253_a.b"));
    CHECK_FALSE(is_label(""));
    CHECK_FALSE(is_label("-x"));
    CHECK_FALSE(is_label("../x"));
    CHECK_FALSE(is_label("a b"));
    CHECK_FALSE(is_label(std::string(64, 'a')));
}

TEST_CASE("splitting keeps empty pieces", "[core]") {
    CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string_view>{""});
    CHECK(trim("  x \r\n") == "x");
    CHECK(trim(" \t ") == "");
}
