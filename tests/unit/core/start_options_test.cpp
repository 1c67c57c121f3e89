#include "mesh/core/start_options.h"

#include <catch2/catch.hpp>

using namespace ctys;

using Options = std::vector<std::string>;

TEST_CASE("the options of a wrapper can be handed to a start", "[core]") {
    CHECK(check_start_options(Options{}));
    CHECK(check_start_options(Options{"--bootmode=CD%/iso/a.iso",
                                      "--instmode",
                                      "--kernelmode=/boot/k%/boot/i%console=ttyS0",
                                      "--console=VNC",
                                      "--vncaccessdisplay=7",
                                      "--argsadd=-rtc base=localtime",
                                      "--initmode",
                                      "--force"}));
}

TEST_CASE("a start that installs is told from its options", "[core]") {
    CHECK(installs(Options{"--force", "--instmode"}));
    CHECK(installs(Options{"--instmode=CD%default%HDD%default%INIT"}));
    CHECK(installs(Options{"--initmode"}));
    CHECK_FALSE(installs(Options{}));
    CHECK_FALSE(installs(Options{"--bootmode=INSTALL", "--argsadd=--instmode"}));
}

TEST_CASE("what is no option of a start is named", "[core]") {
    const auto why = [](const Options& options) {
        const auto checked = check_start_options(options);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == ErrorCode::Usage);
        return checked.error().message;
    };
    CHECK(why({"--instance-dir=/tmp"}) ==
          "\"--instance-dir=/tmp\" is no option of a start: --bootmode, --instmode, --kernelmode, "
          "--console, --vncaccessdisplay, --argsadd, --initmode, --force");
    CHECK(why({"--force", "--bootmode"}) == "--bootmode needs a value");
    CHECK(why({"--bootmode="}) == "--bootmode needs a value");
    CHECK(why({"--instmode="}) == "--instmode needs a value");
    CHECK(why({"--force=yes"}) == "--force takes no value");
    CHECK(why({""}).starts_with("\"\" is no option of a start"));
    CHECK(why({"-d"}).starts_with("\"-d\" is no option of a start"));
    CHECK_FALSE(why({std::string("--bootmode=CD\0", 14)}).empty());
    CHECK_FALSE(why({"--argsadd=" + std::string(5000, 'x')}).empty());
    CHECK(why(Options(17, "--force")) == "17 options of a start, at most 16");
}

TEST_CASE("options that name files or arguments reach beyond their VM", "[core]") {
    CHECK_FALSE(reach_beyond_the_vm(Options{}));
    CHECK_FALSE(
        reach_beyond_the_vm(Options{"--bootmode=PXE", "--console=CLI", "--vncaccessdisplay=1"}));
    for (const auto* option : {"--bootmode=HDD%/etc/shadow",
                               "--instmode",
                               "--instmode=CD",
                               "--kernelmode=/boot/vmlinuz",
                               "--argsadd=-s",
                               "--initmode",
                               "--force"}) {
        CAPTURE(option);
        CHECK(reach_beyond_the_vm(Options{"--console=CLI", option}));
    }
}
