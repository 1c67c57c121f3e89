#include "tools/words/reflex.h"

#include <catch2/catch.hpp>

using namespace ctys::tools;

TEST_CASE("words from other tools are answered with the verb to use here", "[tools][words]") {
    CHECK(reflex("stop")->message == "say shutdown (asks the guest) or kill (cuts the power)");
    CHECK(reflex("ps")->instead == "ctys list");
    CHECK_FALSE(reflex("start").has_value());
    CHECK_FALSE(absent_verb("suspend").has_value());
    CHECK(reflex("managedsave")->message.find("suspend VM") != std::string_view::npos);
    CHECK(absent_verb("top").has_value());
}
