#include "mesh/qemu/console_mode.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

namespace {

VmPlan web() {
    return {.binary = "/usr/bin/qemu-system-x86_64",
            .label = "web",
            .boot = Disk{.file = "/vm/web/web.img"},
            .instance_directory = "/run/ctys/i/web"};
}

/// What the options that show something are, in the order of the command line.
std::vector<std::string> screen_of(const VmPlan& plan) {
    const auto argv = assemble(plan).value();
    std::vector<std::string> found;
    for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
        if (argv[i] != "-display" && argv[i] != "-machine" && argv[i] != "-vga" &&
            argv[i] != "-vnc" && argv[i] != "-k")
            continue;
        found.push_back(argv[i]);
        found.push_back(argv[i + 1]);
    }
    return found;
}

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("every console of the original is understood in any case", "[qemu]") {
    for (const auto* word :
         {"CLI", "cli", "XTERM", "gterm", "EMACS", "EMACSM", "emacsA", "EMACSAM"}) {
        CHECK(parse_console_mode(word).value() == ConsoleMode::Text);
    }
    CHECK(parse_console_mode("cli0").value() == ConsoleMode::Attached);
    CHECK(parse_console_mode("SDL").value() == ConsoleMode::Sdl);
    CHECK(parse_console_mode("Vnc").value() == ConsoleMode::Vnc);
    CHECK(parse_console_mode("NONE").value() == ConsoleMode::None);
}

TEST_CASE("a word that is no console is answered with those that are", "[qemu]") {
    const auto wrong = parse_console_mode("X11");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().code == ErrorCode::Usage);
    CHECK(wrong.error().message == "\"X11\" is not a console: CLI, CLI0, XTERM, GTERM, EMACS, "
                                   "EMACSM, EMACSA, EMACSAM, SDL, VNC, NONE");
    CHECK_FALSE(parse_console_mode(""));
    CHECK_FALSE(parse_console_mode("CLI\n"));
}

TEST_CASE("a VNC display is a number that has a port", "[qemu]") {
    CHECK(parse_vnc_display("77") == 77U);
    CHECK(parse_vnc_display(":0") == 0U);
    CHECK(parse_vnc_display("59635") == 59635U);
    for (const auto* word : {"", ":", "-1", "59636", "7a", "::7", "4294967296"}) {
        CAPTURE(word);
        CHECK_FALSE(parse_vnc_display(word));
    }
}

TEST_CASE("VNC is prepared beside a text console, and the BIOS speaks on it", "[qemu]") {
    CHECK(screen_of(show_screen(web(), ConsoleMode::Text, {})) ==
          Words{"-display",
                "none",
                "-machine",
                "q35,accel=tcg,graphics=off",
                "-vga",
                "std",
                "-vnc",
                "unix:/run/ctys/i/web/vnc.sock"});
    CHECK(show_screen(web(), ConsoleMode::Attached, {}) ==
          show_screen(web(), ConsoleMode::Text, {}));
}

TEST_CASE("a VNC display that was given is one of this machine alone", "[qemu]") {
    auto plan = web();
    plan.keyboard = "de";
    CHECK(screen_of(show_screen(plan, ConsoleMode::Vnc, 77)) == Words{"-display",
                                                                      "none",
                                                                      "-machine",
                                                                      "q35,accel=tcg",
                                                                      "-vga",
                                                                      "std",
                                                                      "-vnc",
                                                                      "127.0.0.1:77",
                                                                      "-k",
                                                                      "de"});
}

TEST_CASE("a window that is closed does not end its guest", "[qemu]") {
    CHECK(screen_of(show_screen(web(), ConsoleMode::Sdl, {})) ==
          Words{"-display", "sdl,window-close=off", "-machine", "q35,accel=tcg", "-vga", "std"});
}

TEST_CASE("without a console there is a graphics card all the same", "[qemu]") {
    CHECK(screen_of(show_screen(web(), ConsoleMode::None, {})) ==
          Words{"-display", "none", "-machine", "q35,accel=tcg", "-vga", "std"});
}

TEST_CASE("what a configuration brings of a screen stays", "[qemu]") {
    auto plan = web();
    SECTION("a card") {
        plan.extra = GENERATE(Words{"-vga", "cirrus"},
                              Words{"--vga", "none"},
                              Words{"-device", "virtio-gpu-pci,id=g"},
                              Words{"-device", "VGA"});
        const auto shown = show_screen(plan, ConsoleMode::Text, {});
        CHECK(shown.vga.empty());
        CHECK(shown.vnc);
    }
    SECTION("another device is no card") {
        plan.extra = {"-device", "e1000,netdev=vga"};
        CHECK(show_screen(plan, ConsoleMode::Text, {}).vga == "std");
    }
    SECTION("a VNC server") {
        plan.extra = GENERATE(Words{"-vnc", ":3"}, Words{"-display", "vnc=:3"});
        CHECK_FALSE(show_screen(plan, ConsoleMode::Vnc, 7).vnc);
    }
    SECTION("a window") {
        plan.extra = {"-display", "gtk"};
        CHECK(show_screen(plan, ConsoleMode::Sdl, {}).display == "none"); // the last one holds
    }
}

TEST_CASE("machines without a usual graphics card get none", "[qemu]") {
    auto plan = web();
    for (const auto* arch : {"arm", "aarch64", "m68k", "mips", "riscv64", "sh4", "sparc"}) {
        plan.arch = arch;
        const auto shown = show_screen(plan, ConsoleMode::Text, {});
        CHECK(shown.vga.empty());
        CHECK(shown.vnc);
    }
}
