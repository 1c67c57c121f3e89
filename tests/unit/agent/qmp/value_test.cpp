#include "agent/qmp/value.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qmp;

TEST_CASE("a value is read along a path with the type that was asked for", "[qmp]") {
    const auto value =
        Value::parse(R"({"a":{"b":"x","n":-3,"f":1.5,"t":true,"l":[1,{"k":2}]},"z":null})");
    REQUIRE(value);

    CHECK(value->text("a.b") == "x");
    CHECK(value->integer("a.n") == -3);
    CHECK(value->number("a.f") == 1.5);
    CHECK(value->number("a.n") == -3.0);
    CHECK(value->boolean("a.t") == true);
    CHECK(value->items("a.l").size() == 2);
    CHECK(value->items("a.l")[1].integer("k") == 2);
    CHECK(value->find("z")->is_null());
    CHECK_FALSE(value->text("a.n"));
    CHECK_FALSE(value->integer("a.f"));
    CHECK_FALSE(value->text("a.b.c"));
    CHECK_FALSE(value->text("nothing"));
    CHECK(value->items("a").empty());
}

TEST_CASE("what is no usable JSON is refused", "[qmp]") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "{",
                               "{\"a\":}",
                               "{} x",
                               "\xff",
                               "{\"a\":\"\xff\"}",
                               "{\"a\":\"\x01\"}",
                               "nan",
                               "1e999",
                               std::string(49, '[') + std::string(49, ']'),
                               std::string(5'000'000, '['));
    CAPTURE(text.substr(0, 50));
    CHECK(Value::parse(text).error().code == ErrorCode::Malformed);
}

TEST_CASE("a message of too many values is refused", "[qmp]") {
    const auto list = [](std::size_t count) {
        std::string out = "[0";
        for (std::size_t i = 2; i < count; ++i) {
            out += ",0";
        }
        return out + "]";
    };
    CHECK(Value::parse(list(max_value_count)));
    CHECK_FALSE(Value::parse(list(max_value_count + 1)));
}

TEST_CASE("what was written is read back as the same value", "[qmp]") {
    auto value =
        Value::object({{"text", "quote \" slash \\ line \n nul-free \x01 gr\xc3\xbc\xc3\x9f"},
                       {"number", 42},
                       {"float", 0.25},
                       {"yes", true},
                       {"none", Value{}}});
    value.set("list", Value::list({Value{1}, Value{"two"}, Value::object()}));

    const auto line = value.to_json();

    CHECK(line.find('\n') == std::string::npos);
    CHECK(Value::parse(line).value() == value);
}

TEST_CASE("text that is not UTF-8 is still written as JSON", "[qmp]") {
    CHECK(Value{"a\xff"}.to_json() == "\"a\\ufffd\"");
}

TEST_CASE("numbers beyond 63 bits are kept as floating point", "[qmp]") {
    const auto value = Value::parse("18446744073709551615");
    REQUIRE(value);
    CHECK_FALSE(value->integer());
    CHECK(value->number() == 18446744073709551615.0);
}
