#include "mesh/qemu/qemu_version.h"

#include <catch2/catch.hpp>

using namespace ctys::qemu;

TEST_CASE("a version of QEMU is its first two numbers", "[qemu]") {
    const auto [text, version] = GENERATE(table<std::string, QemuVersion>({
        {"7.2", {7, 2}},
        {"7.2.22", {7, 2}},
        {"4.2.1", {4, 2}},
        {"10.0.0", {10, 0}},
        {"9.1.50", {9, 1}}, // between two releases: nobody knows how far
    }));
    CAPTURE(text);

    CHECK(parse_version(text) == version);
}

TEST_CASE("a candidate counts as the release that it is one for", "[qemu]") {
    CHECK(parse_version("9.1.91") == QemuVersion{9, 2});
    CHECK(parse_version("8.2.90") == QemuVersion{9, 0});
}

TEST_CASE("what is no version of QEMU is none", "[qemu]") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "7",
                               "7.",
                               ".2",
                               "7.2.",
                               "7.2.22.1",
                               "7.2 ",
                               "-7.2",
                               "+7.2",
                               "7.x",
                               "7.1000",
                               "99999999999999999999.2");
    CAPTURE(text);

    CHECK_FALSE(parse_version(text));
}

TEST_CASE("versions are ordered as numbers", "[qemu]") {
    CHECK(QemuVersion{9, 2} < QemuVersion{10, 0});
    CHECK(QemuVersion{4, 2} < QemuVersion{5, 1});
    CHECK(oldest_version < usual_version);
    CHECK(to_string(QemuVersion{10, 0}) == "10.0");
}

TEST_CASE("a QEMU tells its version, in the words of any build", "[qemu]") {
    // The first is that of Debian 12, the others are as Ubuntu 20.04, RHEL 8 and KVM 83 say it.
    const auto [text, version] = GENERATE(table<std::string, QemuVersion>({
        {"QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\n"
         "Copyright (c) 2003-2022 Fabrice Bellard and the QEMU Project developers\n",
         {7, 2}},
        {"QEMU emulator version 4.2.1 (Debian 1:4.2-3ubuntu6.30)\nCopyright (c)", {4, 2}},
        {"QEMU emulator version 6.2.0 (qemu-kvm-6.2.0-53.module+el8)", {6, 2}},
        {"a library: a warning\nQEMU emulator version 9.2.0\n", {9, 2}},
        {"QEMU PC emulator version 0.12.2 (qemu-kvm-0.12.2), Copyright (c) 2003-2008", {0, 12}},
    }));
    CAPTURE(text);

    CHECK(parse_version_answer(text) == version);
}

TEST_CASE("whoever does not tell a version of QEMU has none", "[qemu]") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "\n",
                               "7.2.22",
                               "GNU bash, version 5.2.15(1)-release",
                               "QEMU emulator",
                               "QEMU emulator version",
                               "QEMU emulator version \n7.2.22",
                               "QEMU emulator version seven",
                               "QEMU emulator version 7.2.22.1 (x)",
                               "not QEMU emulator version 7.2.22");
    CAPTURE(text);

    CHECK_FALSE(parse_version_answer(text));
}
