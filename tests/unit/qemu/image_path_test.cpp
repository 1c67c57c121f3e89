#include "mesh/qemu/image_path.h"

#include <catch2/catch.hpp>

using namespace ctys::qemu;

TEST_CASE("one file has one text, whatever was typed", "[qemu]") {
    CHECK(absolute_path("/vm/web", "hda.img") == "/vm/web/hda.img");
    CHECK(absolute_path("/vm/web", "./hda.img") == "/vm/web/hda.img");
    CHECK(absolute_path("/vm//web/", ".//a/./hda.img") == "/vm/web/a/hda.img");
    CHECK(absolute_path("/vm/web", "//dev/./sdg") == "/dev/sdg");
    CHECK(absolute_path("/", "a") == "/a");
}

TEST_CASE("a step up and a folder stay what they are", "[qemu]") {
    CHECK(absolute_path("/vm/web", "../a.img") == "/vm/web/../a.img");
    CHECK(absolute_path("/vm/web", "/srv/tftp/") == "/srv/tftp/");
    CHECK(absolute_path("/", ".") == "/");
}

TEST_CASE("files in shared memory are no devices", "[qemu]") {
    CHECK(is_device_path("/dev/sdg"));
    CHECK(is_device_path("/dev/mapper/a"));
    CHECK_FALSE(is_device_path("/dev/shm/a.img"));
    CHECK_FALSE(is_device_path("/device/a.img"));
}

TEST_CASE("a format is told by the name of a file only", "[qemu]") {
    CHECK(format_by_name("/vm/a.qcow2") == "qcow2");
    CHECK(format_by_name("/vm/a.img") == "raw");
    CHECK(format_by_name("/dev/mapper/a.qcow2") == "raw");
    CHECK(format_by_name("/dev/shm/a.qcow2") == "qcow2");
}
