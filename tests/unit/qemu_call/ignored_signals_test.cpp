#include "tools/qemu_call/ignored_signals.h"

#include <catch2/catch.hpp>

#include <csignal>

using namespace ctys;
using namespace ctys::call;

TEST_CASE("signals to ignore are numbers and names, as trap takes them", "[call]") {
    using Signals = std::vector<int>;
    CHECK(parse_ignored_signals("").value().signals.empty());
    CHECK(parse_ignored_signals("2 3 20").value().signals == Signals{SIGINT, SIGQUIT, SIGTSTP});
    CHECK(parse_ignored_signals(" SIGINT,quit\tTerm 2").value().signals ==
          Signals{SIGINT, SIGQUIT, SIGTERM});
    CHECK(names_of({SIGTERM, SIGINT}) == "INT, TERM");
}

TEST_CASE("what nobody can ignore, and what has to be heard, is left out with a sentence",
          "[call]") {
    const auto left = parse_ignored_signals("2 3 19 KILL CHLD SEGV").value();

    CHECK(left.signals == std::vector<int>{SIGINT, SIGQUIT});
    CHECK(left.notes ==
          std::vector<std::string>{
              "CTYS_SIGIGNORESPEC: 19 is left out of it: nobody can ignore it",
              "CTYS_SIGIGNORESPEC: KILL is left out of it: nobody can ignore it",
              "CTYS_SIGIGNORESPEC: CHLD is left out of it: by it the end of QEMU is seen",
              "CTYS_SIGIGNORESPEC: SEGV is left out of it: it tells of a fault"});
}

TEST_CASE("a word that is no signal is named", "[call]") {
    const auto* word = GENERATE("0", "32", "-1", "EXIT", "SIG", "2x", "\x1b[2J");
    CAPTURE(word);

    const auto wrong = parse_ignored_signals(std::string{"2 "} + word);

    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == ErrorCode::Usage);
    CHECK(wrong.error().message.find("is no signal: a number, or a name") != std::string::npos);
    CHECK(wrong.error().message.find('\x1b') == std::string::npos);
}
