#include "tools/qemu_call/problem_place.h"

#include <catch2/catch.hpp>

using namespace ctys::call;

TEST_CASE("a problem is where its key gets its value", "[qemu-call][place]") {
    constexpr auto text = "#@#MAGICID-QEMU\n"
                          "#@#MAC0 = \"52:54:00:00:00:01\"\n"
                          "MEMSIZE=64\n"
                          "MAC0=52:54:00:00:00:02\n"
                          "MEMSIZE=128\n"
                          "CPU=$(uname -m)\n"
                          "#@#UUID = \"x\"\n";

    CHECK(line_of("MAC0", text) == 4);
    CHECK(line_of("MEMSIZE", text) == 5);
    CHECK(line_of("CPU", text) == 6);
    CHECK(line_of("UUID", text) == 7);
    CHECK(line_of("ARCH", text) == 0);
    CHECK(line_of("LABEL", "") == 0);
    CHECK(line_of("CONSOLE", "A=1\nDEFAULTCONSOLE=tty\n") == 2);
    CHECK(line_of("LABEL", std::string_view{"A=\0\n LABEL=x\n", 13}) == 2);
    CHECK(line_of("LABEL", std::string_view{"LABELS=\0\n", 9}) == 0);
}

TEST_CASE("a configuration that cannot be read has no lines", "[qemu-call][place]") {
    CHECK(text_of_configuration("/nowhere/vm.ctys").empty());
    CHECK(text_of_configuration("/").empty());
}
