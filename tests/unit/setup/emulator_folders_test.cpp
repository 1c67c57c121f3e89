#include "mesh/setup/emulator_folders.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys::setup;

TEST_CASE("emulators are looked for in what is given, PATH, /opt and the usual folders",
          "[setup]") {
    const auto folders = emulator_folders(
        EmulatorPlaces{.given = {"/srv/qemu/bin/"},
                       .path = "/home/u/bin:/usr/bin",
                       .opt = {"qemu-0.12.2", "vde", "qemu", "qemu-7.10.0", "qemu-7.2.0", "kvm"}});

    CHECK(folders == std::vector<std::string>{"/srv/qemu/bin",
                                              "/home/u/bin",
                                              "/usr/bin",
                                              "/opt/qemu/bin",
                                              "/opt/qemu-7.10.0/bin",
                                              "/opt/qemu-7.2.0/bin",
                                              "/opt/qemu-0.12.2/bin",
                                              "/usr/local/bin",
                                              "/usr/libexec",
                                              "/usr/lib/qemu"});
}

TEST_CASE("a relative or empty part of PATH is no folder of emulators", "[setup]") {
    const auto folders = emulator_folders(EmulatorPlaces{.given = {}, .path = ":bin:.", .opt = {}});

    CHECK(folders.front() == "/opt/qemu/bin");
}

TEST_CASE("a PATH without end gives a bounded list", "[setup]") {
    std::string path;
    for (int i = 0; i < 10000; ++i)
        path += "/a" + std::to_string(i) + ":";

    CHECK(emulator_folders(EmulatorPlaces{.given = {}, .path = path, .opt = {}}).size() == 64);
}

TEST_CASE("emulators are told by their names", "[setup]") {
    CHECK(is_emulator_name("qemu-system-x86_64"));
    CHECK(is_emulator_name("qemu-kvm"));
    CHECK_FALSE(is_emulator_name("qemu-system-"));
    CHECK_FALSE(is_emulator_name("qemu-img"));
}
