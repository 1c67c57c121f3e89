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
    for (const auto verb : {Verb::Reset,
                            Verb::Reboot,
                            Verb::Init,
                            Verb::Eject,
                            Verb::ChangeMedium,
                            Verb::RevertSnapshot})
        CHECK_FALSE(is_repeatable(verb));
    for (const auto verb :
         {Verb::Start, Verb::Kill, Verb::Suspend, Verb::SaveSnapshot, Verb::DeleteSnapshot})
        CHECK(is_repeatable(verb));
}

TEST_CASE("a change of a medium names an image, and an eject none", "[core]") {
    CHECK(check_arguments({.verb = Verb::ChangeMedium, .image = "/a.iso"}));
    CHECK(check_arguments({.verb = Verb::Eject, .device = "ide2-cd0"}));
    CHECK(check_arguments({.verb = Verb::ChangeMedium}).error().code == ErrorCode::Usage);
    CHECK(check_arguments({.verb = Verb::Eject, .image = "/a.iso"}).error().code ==
          ErrorCode::Usage);
}

TEST_CASE("a snapshot has a name that QEMU cannot take for a number, and that is not ours",
          "[core]") {
    for (const auto* name : {"a", "before-upgrade", "v1.2_x", "s-20261130-120800", "ctys"})
        CHECK(check_snapshot_name(name));
    const std::string longest(63, 'a');
    CHECK(check_snapshot_name(longest));
    for (const std::string& name : {std::string{},
                                    std::string{"1"},
                                    std::string{"7days"},
                                    std::string{"-x"},
                                    std::string{"a b"},
                                    std::string{"a/b"},
                                    std::string{"a,b"},
                                    std::string{"\xc3\xa4"},
                                    std::string{"ctys-suspend"},
                                    std::string{"ctys-x"},
                                    longest + "a"}) {
        CAPTURE(name);
        const auto fine = check_snapshot_name(name);
        REQUIRE_FALSE(fine);
        CHECK(fine.error().code == ErrorCode::Usage);
    }
    CHECK(check_arguments({.verb = Verb::RevertSnapshot}).error().message ==
          "the name of the snapshot is missing");
}
