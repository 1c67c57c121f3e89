#include "tools/output/json_writer.h"

#include <catch2/catch.hpp>

#include <string>
#include <tuple>

using namespace ctys;
using tools::JsonWriter;

namespace {

std::string text_of(std::string_view value) {
    fmt::memory_buffer out;
    JsonWriter json(out);
    json.value(value);
    return fmt::to_string(out);
}

} // namespace

TEST_CASE("a JSON writer puts commas between members and elements only", "[tools][json]") {
    fmt::memory_buffer out;
    JsonWriter json(out);

    json.begin_object();
    json.member("a", 1U);
    json.key("b");
    json.begin_array();
    json.value(true);
    json.begin_object();
    json.end_object();
    json.null();
    json.end_array();
    json.member("c", "x");
    json.end_object();

    CHECK(fmt::to_string(out) == R"({"a":1,"b":[true,{},null],"c":"x"})");
}

TEST_CASE("a JSON writer escapes whatever would break a document or a terminal", "[tools][json]") {
    const auto [given, expected] = GENERATE(table<std::string, std::string>({
        {"plain", R"("plain")"},
        {R"(a"b\c)", R"("a\"b\\c")"},
        {"line\nbreak\ttab\r", R"("line\nbreak\ttab\r")"},
        {"\x1b[31mred", "\"\\u001b[31mred\""},
        {"\x7f", "\"\\u007f\""},
        {std::string("nul\0!", 5), "\"nul\\u0000!\""},
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
        {"\xf0\x9f\x90\xa7", "\"\xf0\x9f\x90\xa7\""},
        {"c1 \xc2\x9b", "\"c1 \\u009b\""},
        {"bad \xff\xc3", "\"bad \\ufffd\\ufffd\""},
        {"", "\"\""},
    }));

    CHECK(text_of(given) == expected);
}

TEST_CASE("a JSON writer gives times in UTC, spans in seconds and nothing as null",
          "[tools][json]") {
    fmt::memory_buffer out;
    JsonWriter json(out);

    json.begin_array();
    json.value(*WallTime::parse("2026-03-01T14:02:06.114Z"));
    json.value(WallTime{});
    json.value(Duration{1234567});
    json.value(Duration{-1500000});
    json.value(VmId{});
    json.end_array();

    CHECK(fmt::to_string(out) == R"(["2026-03-01T14:02:06.114000Z",null,1.234,-1.500,null])");
}

TEST_CASE("times and UUIDs in JSON are what their own text forms are", "[tools][json]") {
    const WallTime at{
        GENERATE(1, 951'782'399'999'999, 1'772'373'726'114'000, 253'402'300'799'999'999)};
    VmId id;
    for (std::size_t i = 0; i < id.uuid.bytes.size(); ++i)
        id.uuid.bytes[i] = static_cast<std::uint8_t>(i * 17);
    fmt::memory_buffer out;
    JsonWriter json(out);

    json.begin_array();
    json.value(at);
    json.value(id);
    json.end_array();

    CHECK(fmt::to_string(out) == fmt::format(R"(["{}","{}"])", at.to_rfc3339(), id));
}
