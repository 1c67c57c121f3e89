#include "agent/survey/cpu_text.h"

#include <catch2/catch.hpp>

using namespace ctys::agent;

TEST_CASE("model and flags are those of the first processor", "[survey]") {
    const auto cpu = parse_cpuinfo("processor\t: 0\nmodel name\t: AMD EPYC 7B13\n"
                                   "flags\t\t: fpu vme  svm\n\n"
                                   "processor\t: 1\nmodel name\t: another\nflags\t\t: none\n");

    CHECK(cpu == CpuText{.model = "AMD EPYC 7B13", .flags = "fpu vme svm"});
}

TEST_CASE("the features of an ARM processor are its flags", "[survey]") {
    CHECK(parse_cpuinfo("Features\t: fp asimd\n").flags == "fp asimd");
}

TEST_CASE("a cpuinfo without end is cut", "[survey]") {
    std::string text = "flags\t: ";
    for (int i = 0; i < 10000; ++i)
        text += "flag\x1b ";

    const auto cpu = parse_cpuinfo(text);

    CHECK(cpu.flags.size() <= 2500);
    CHECK(cpu.flags.ends_with(" ..."));
    CHECK(cpu.flags.find('\x1b') == std::string::npos);
}
