#include "tools/words/near_word.h"
#include "tools/words/reflex.h"

#include <catch2/catch.hpp>

#include <array>

using namespace ctys::tools;

TEST_CASE("the word that was meant is found within two edits", "[tools][words]") {
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

TEST_CASE("edit distance counts a swap of neighbours once", "[tools][words]") {
    CHECK(edit_distance("ab", "ba") == 1);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("words from other tools are answered with the verb to use here", "[tools][words]") {
    CHECK(reflex("stop") == "say shutdown (asks the guest) or kill (cuts the power)");
    CHECK(reflex("ps").has_value());
    CHECK_FALSE(reflex("start").has_value());
    CHECK_FALSE(absent_verb("suspend").has_value());
    CHECK(reflex("managedsave")->find("suspend VM") != std::string_view::npos);
    CHECK(absent_verb("snapshot").has_value());
}
