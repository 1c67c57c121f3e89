#include "agent/survey/probe_guest.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::chrono_literals;

namespace {

GuestOutcome up(Duration took) {
    return {.kind = GuestOutcome::Kind::Up, .took = took, .limit = 10s, .words = {}};
}

} // namespace

TEST_CASE("the probe guest is one sector that a firmware boots", "[survey]") {
    const auto image = probe_guest_image();

    REQUIRE(image.size() == 512);
    CHECK(image.substr(510) == "\x55\xAA");
    CHECK(image[0] != '\0');
}

TEST_CASE("KVM has twice the time of TCG and half a second, within bounds", "[survey]") {
    CHECK(kvm_limit(1s) == 2500ms);
    CHECK(kvm_limit(10ms) == 1s);
    CHECK(kvm_limit(1h) == 10s);
}

TEST_CASE("a guest that came up under KVM makes it usable", "[survey]") {
    CHECK(judge_kvm(up(240ms), up(120ms)) ==
          Accelerator{.name = "kvm",
                      .usable = true,
                      .why = "a probe guest came up in 0.1 s (under tcg 0.2 s)"});
}

TEST_CASE("a guest that did not come up in time makes KVM unusable", "[survey]") {
    const auto kvm = judge_kvm(
        up(240ms), {.kind = GuestOutcome::Kind::TimedOut, .took = 1s, .limit = 1s, .words = {}});

    CHECK_FALSE(kvm.usable);
    CHECK(kvm.why == "/dev/kvm opens but does not run guests: a probe guest did not come up within "
                     "1.0 s (under tcg 0.2 s)");
}

TEST_CASE("QEMU's own words say why a guest was not even begun", "[survey]") {
    const GuestOutcome ended{.kind = GuestOutcome::Kind::Ended,
                             .took = 1ms,
                             .limit = 1s,
                             .words = "status 1: \"no \x1b\""};

    CHECK(judge_kvm(up(240ms), ended).why ==
          "QEMU ended before a probe guest came up: status 1: \"no ?\"");
    CHECK_FALSE(judge_tcg(ended).usable);
}

TEST_CASE("no guest is tried without a device that may be opened", "[survey]") {
    CHECK(why_no_kvm({}) == "no /dev/kvm");
    CHECK(why_no_kvm({.exists = true, .may_be_opened = false, .user = "lab"}) ==
          "user lab may not open /dev/kvm: usermod -aG kvm lab");
    CHECK(why_no_kvm({.exists = true, .may_be_opened = true, .user = "lab"}).empty());
}

TEST_CASE("a verdict that differs in its times only says the same", "[survey]") {
    const Accelerator known{.name = "kvm", .usable = true, .why = "came up in 1.2 s"};
    auto found = known;
    found.why = "came up in 0.9 s";
    CHECK(say_the_same(known, found));

    found.why = "did not come up";
    CHECK_FALSE(say_the_same(known, found));
    found = known;
    found.usable = false;
    CHECK_FALSE(say_the_same(known, found));
    found = known;
    found.name = "tcg";
    CHECK_FALSE(say_the_same(known, found));
}

TEST_CASE("KVM runs guests of the machine's own kind only", "[survey]") {
    CHECK(is_native("x86_64", "x86_64"));
    CHECK(is_native("i386", "x86_64"));
    CHECK(is_native("i386", "i686"));
    CHECK_FALSE(is_native("arm", "x86_64"));
    CHECK_FALSE(is_native("x86_64", "aarch64"));
}

TEST_CASE("a QEMU of a survey is known by its name, behind any argument", "[survey]") {
    const auto call = probe_guest_call("qemu-system-x86_64", "kvm", "/tmp/i");

    CHECK(is_of_survey(call));
    CHECK(is_of_survey({"q", "-x", "-name", survey_mark()[1]}));
    CHECK_FALSE(is_of_survey({"q", "-name", "web"}));
    CHECK_FALSE(is_of_survey({"q", "-name"}));
    CHECK_FALSE(is_of_survey({}));
}
