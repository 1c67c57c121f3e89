#include "mesh/core/near_word.h"

#include <catch2/catch.hpp>

#include <array>

using namespace ctys;

TEST_CASE("the word that was meant is found within two edits", "[core]") {
    constexpr std::array<std::string_view, 6> verbs = {
        "list", "start", "status", "shutdown", "events", "up"};
    const auto [typed, expected] =
        GENERATE(table<std::string, std::string>({{"statr", "start"},
                                                  {"lits", "list"},
                                                  {"LIST", "list"},
                                                  {"shutdwon", "shutdown"},
                                                  {"shut", "shutdown"},
                                                  {"evnts", "events"},
                                                  {"frobnicate", ""},
                                                  {"x", ""},
                                                  {"", ""}}));

    CHECK(near_word(typed, verbs).value_or("") == expected);
}

TEST_CASE("edit distance counts a swap of neighbours once", "[core]") {
    CHECK(edit_distance("ab", "ba") == 1);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}
