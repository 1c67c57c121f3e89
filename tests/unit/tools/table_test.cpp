#include "tools/output/table.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;

namespace {

std::string text_of(const TextTable& table, const View& view) {
    fmt::memory_buffer out;
    table.render(out, view);
    return fmt::to_string(out);
}

TextTable sample() {
    TextTable table({{"NAME"}, {"N", Align::Right}, {"NOTE"}});
    table.add({Cell{"a"}, Cell{"5"}, Cell{"a rather long note about a"}});
    table.add({Cell{"longer"}, Cell{"120"}, Cell{""}});
    return table;
}

} // namespace

TEST_CASE("a table sets text left, numbers right, and shows nothing as a dash", "[tools][table]") {
    CHECK(text_of(sample(), View{}) == "NAME      N  NOTE\n"
                                       "a         5  a rather long note about a\n"
                                       "longer  120  -\n");
}

TEST_CASE("the last column takes what is left of the terminal and never wraps", "[tools][table]") {
    CHECK(text_of(sample(), View{.width = 25}) == "NAME      N  NOTE\n"
                                                  "a         5  a rather lo…\n"
                                                  "longer  120  -\n");
    CHECK(text_of(sample(), View{.width = 25, .utf8 = false}) == "NAME      N  NOTE\n"
                                                                 "a         5  a rather ...\n"
                                                                 "longer  120  -\n");
}

TEST_CASE("without a header only rows are printed", "[tools][table]") {
    CHECK(text_of(sample(), View{.header = false}) == "a         5  a rather long note about a\n"
                                                      "longer  120  -\n");
}

TEST_CASE("control characters of a cell never reach the terminal", "[tools][table]") {
    TextTable table({{"NAME"}, {"NOTE"}});
    table.add({Cell{"evil\x1b[2J"}, Cell{"two\nlines"}});

    CHECK(text_of(table, View{.header = false}) == "evil?[2J  two?lines\n");
}

TEST_CASE("outside UTF-8 everything beyond ASCII is a question mark", "[tools][table]") {
    TextTable table({{"NAME"}, {"NOTE"}});
    table.add({Cell{"b\xc3\xbc"
                    "ro"},
               Cell{"x"}});

    CHECK(text_of(table, View{.utf8 = false, .header = false}) == "b?ro  x\n");
}

TEST_CASE("colour appears only where it is asked for and does not move columns", "[tools][table]") {
    TextTable table({{"STATE"}, {"NOTE"}});
    table.add({Cell{"up", Tone::Good}, Cell{"x"}});

    CHECK(text_of(table, View{.colour = true, .header = false}) == "\x1b[32mup\x1b[0m  x\n");
    CHECK(text_of(table, View{.header = false}) == "up  x\n");
}

TEST_CASE("a CSV field is quoted where it must be", "[tools][table]") {
    const auto [given, expected] = GENERATE(table<std::string, std::string>(
        {{"plain", "plain"}, {"a,b", "\"a,b\""}, {"say \"x\"", "\"say \"\"x\"\"\""}, {"", ""}}));
    fmt::memory_buffer out;

    append_csv_field(out, given);

    CHECK(fmt::to_string(out) == expected);
}
