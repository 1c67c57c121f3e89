#include "mesh/core/action.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("every verb has a word of its own that leads back to it", "[core]") {
    for (auto value = static_cast<std::uint16_t>(Verb::Start);
         value <= static_cast<std::uint16_t>(last_verb);
         ++value) {
        const auto verb = static_cast<Verb>(value);
        CHECK(verb_from_text(to_string(verb)) == verb);
    }
    CHECK_FALSE(verb_from_text("unknown"));
}

TEST_CASE("what could harm when it is done twice is never repeated", "[core]") {
    for (const auto verb : {Verb::Reset, Verb::Reboot, Verb::Init, Verb::Eject, Verb::ChangeMedium})
        CHECK_FALSE(is_repeatable(verb));
    for (const auto verb : {Verb::Start, Verb::Kill, Verb::Pause, Verb::Suspend})
        CHECK(is_repeatable(verb));
}

TEST_CASE("a change of a medium names an image, and an eject none", "[core]") {
    CHECK(check_arguments({.verb = Verb::ChangeMedium, .image = "/a.iso"}));
    CHECK(check_arguments({.verb = Verb::Eject, .device = "ide2-cd0"}));
    CHECK(check_arguments({.verb = Verb::ChangeMedium}).error().code == ErrorCode::Usage);
    CHECK(check_arguments({.verb = Verb::Eject, .image = "/a.iso"}).error().code ==
          ErrorCode::Usage);
}
