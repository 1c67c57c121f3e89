#include "mesh/qemu/option_text.h"

#include <catch2/catch.hpp>

using namespace ctys::qemu;

TEST_CASE("an option's argument splits where QEMU splits it", "[qemu]") {
    const auto [text, expected] = GENERATE(table<std::string, Properties>({
        {"", {}},
        {"web", {{"first", "web"}}},
        {"web,a=1", {{"first", "web"}, {"a", "1"}}},
        {"a=1,b=2", {{"a", "1"}, {"b", "2"}}},
        {"a=x,,y,b=2", {{"a", "x,y"}, {"b", "2"}}},
        {"a=x,,,b=2", {{"a", "x,"}, {"b", "2"}}},
        {"x,,y", {{"first", "x,y"}}},
        {"p,server,nowait", {{"first", "p"}, {"server", "on"}, {"wait", "off"}}},
        {"a==,b=", {{"a", "="}, {"b", ""}}},
        {"a=1,", {{"a", "1"}}},
    }));
    CAPTURE(text);

    CHECK(parse_properties(text, "first") == expected);
}

TEST_CASE("escaping and splitting are inverse for any value", "[qemu]") {
    const std::string value = GENERATE("plain", ",", ",,", "a,b", "a=b,c=d,,", "");

    const auto back = parse_properties("file=" + escape_commas(value) + ",if=ide", "");

    CHECK(back == Properties{{"file", value}, {"if", "ide"}});
}

TEST_CASE("JSON arguments become dotted keys", "[qemu]") {
    const auto read = parse_json_properties(
        R"({"driver":"qcow2", "file":{"filename":"/a \"b\"\u002f\/c", "l":[1,{"x":true}]}, "e":{}})");

    REQUIRE(read);
    CHECK(*read == Properties{{"driver", "qcow2"},
                              {"file.filename", "/a \"b\"//c"},
                              {"file.l.0", "1"},
                              {"file.l.1.x", "true"}});
}

TEST_CASE("malformed JSON gives nothing", "[qemu]") {
    const std::string text = GENERATE("",
                                      "{",
                                      "[]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1}x",
                                      "{\"a\":\"\\",
                                      "{\"a\":\"\\u00",
                                      "{\"a\":\"\\uzzzz\"}");
    CAPTURE(text);

    CHECK_FALSE(parse_json_properties(text));
}

TEST_CASE("JSON nested too deeply is refused instead of followed", "[qemu]") {
    std::string deep;
    for (int i = 0; i < 100000; ++i) {
        deep += "{\"a\":";
    }

    CHECK_FALSE(parse_json_properties(deep));
}

TEST_CASE("sizes have the units of QEMU", "[qemu]") {
    CHECK(parse_size("512", mebibyte) == 512 * mebibyte);
    CHECK(parse_size("2G", mebibyte) == 2048 * mebibyte);
    CHECK(parse_size("1.5g", mebibyte) == 1536 * mebibyte);
    CHECK(parse_size("64k", mebibyte) == 65536);
    CHECK_FALSE(parse_size("", mebibyte));
    CHECK_FALSE(parse_size("-1", mebibyte));
    CHECK_FALSE(parse_size("1X", mebibyte));
    CHECK_FALSE(parse_size("nan", mebibyte));
    CHECK_FALSE(parse_size("inf", mebibyte));
    CHECK_FALSE(parse_size("99999E", mebibyte));
}

TEST_CASE("MAC addresses are kept in one spelling", "[qemu]") {
    CHECK(parse_mac("52:54:00:AB-cd:01") == "52:54:00:ab:cd:01");
    CHECK_FALSE(parse_mac("52:54:00:ab:cd"));
    CHECK_FALSE(parse_mac("52:54:00:ab:cd:0g"));
    CHECK_FALSE(parse_mac("52.54.00.ab.cd.01"));
}
