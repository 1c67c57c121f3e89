#include "tests/unit/create_conf/samples.h"
#include "tools/create_conf/dialogue.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;
using namespace ctys::testing;

namespace {

std::string ask_next(Dialogue& dialogue) {
    const auto question = dialogue.question();
    if (!question) return "error: " + question.error().message;
    return question->value_or("done");
}

} // namespace

TEST_CASE("y keeps a value and n asks for another one", "[create_conf]") {
    Dialogue dialogue{sources_of("web", {}), Asking::Everything, true};

    CHECK(ask_next(dialogue) == "EDITOR=lab (this machine)  [Y/n/C] ");
    REQUIRE(dialogue.answer("y"));
    CHECK(ask_next(dialogue) == "VMSTATE=ACTIVE (default)  [Y/n/C] ");
    REQUIRE(dialogue.answer(" N "));
    CHECK(ask_next(dialogue) == "VMSTATE=");
    REQUIRE(dialogue.answer("template"));
    CHECK(ask_next(dialogue).starts_with("UUID=1b4e28ba"));
    CHECK(decide(dialogue.sources()).value().at("VMSTATE") ==
          Value{"TEMPLATE", Origin::Answer, ""});
}

TEST_CASE("C keeps this value and all that follow", "[create_conf]") {
    Dialogue dialogue{sources_of("web", {}), Asking::Everything, true};
    REQUIRE(ask_next(dialogue).starts_with("EDITOR="));

    REQUIRE(dialogue.answer("C"));

    CHECK(ask_next(dialogue) == "done");
}

TEST_CASE("a wrong answer is told and asked again", "[create_conf]") {
    Dialogue dialogue{sources_of("web", {}), Asking::Everything, true};
    const auto first = ask_next(dialogue);

    CHECK(dialogue.answer("maybe").error().message ==
          "y keeps it, n asks for another value, C keeps all that follow");
    CHECK(ask_next(dialogue) == first);
    REQUIRE(dialogue.answer("n"));
    CHECK(dialogue.answer("a$b").error().message ==
          "EDITOR: \"a$b\" holds a $, which means something to bash");
    CHECK(ask_next(dialogue) == "EDITOR=");
    CHECK(dialogue.answer("max"));
}

TEST_CASE("of what is asked --auto leaves what matters, --auto-all nothing", "[create_conf]") {
    Dialogue some{sources_of("web", {}), Asking::Mandatory, true};
    std::vector<std::string> asked;
    for (auto question = ask_next(some); question != "done"; question = ask_next(some)) {
        asked.push_back(question.substr(0, question.find('=')));
        REQUIRE(some.answer("y"));
    }
    CHECK(asked == std::vector<std::string>{"MAC", "IP", "DIST", "DISTREL", "OS", "OSREL"});

    Dialogue none{sources_of("web", {}), Asking::Nothing, true};
    CHECK(ask_next(none) == "done");
}

TEST_CASE("what depends on an answer follows it", "[create_conf]") {
    Dialogue dialogue{sources_of("", {}), Asking::Mandatory, true};
    CHECK(ask_next(dialogue) == "LABEL=");
    CHECK(dialogue.answer("").error().message == "LABEL: a VM needs a name");
    REQUIRE(dialogue.answer("web"));
    for (auto question = ask_next(dialogue); question != "done"; question = ask_next(dialogue)) {
        const bool dist = question.starts_with("DIST=none");
        REQUIRE(dialogue.answer(dist ? "n" : question == "DIST=" ? "debian" : "y"));
    }

    const auto settings = decide(dialogue.sources()).value();

    CHECK(settings.text("KICKSTART") == "web.preseed");
    CHECK(settings.text("MEMSIZE") == "1024");
}

TEST_CASE("a value of the environment that does not fit ends the dialogue", "[create_conf]") {
    Dialogue dialogue{sources_of("web", {{"MAC", "x"}}), Asking::Nothing, false};

    CHECK(ask_next(dialogue) == "error: MAC: \"x\" is not a MAC address such as 00:50:56:16:11:0b");
}

TEST_CASE("nothing and y are yes, n is no", "[create_conf]") {
    CHECK(yes_or_no("").value());
    CHECK(yes_or_no("Y ").value());
    CHECK_FALSE(yes_or_no("n").value());
    CHECK_FALSE(yes_or_no("C"));
}
