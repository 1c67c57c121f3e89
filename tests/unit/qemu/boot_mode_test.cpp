#include "mesh/qemu/boot_mode.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

namespace {

// What is refused, as Usage.
template <typename Mode>
std::string refused(const Result<Mode>& mode) {
    if (mode) return "accepted";
    CHECK(mode.error().code == ErrorCode::Usage);
    return mode.error().message;
}

std::string boot_refused(std::string_view text) {
    return refused(parse_boot_mode(text));
}

std::string install_refused(std::string_view text) {
    return refused(parse_install_mode(text));
}

std::string kernel_refused(std::string_view text) {
    return refused(parse_kernel_mode(text));
}

} // namespace

TEST_CASE("every boot mode of the original is understood in any case", "[qemu]") {
    const auto [text, mode] = GENERATE(table<std::string, BootMode>({
        {"CD", {Medium::Cd, ""}},
        {"dvd", {Medium::Dvd, ""}},
        {"FDD%/dev/fd0", {Medium::Fdd, "/dev/fd0"}},
        {"hdd", {Medium::Hdd, ""}},
        {"vHDD%hda.img", {Medium::Vhdd, "hda.img"}},
        {"Usb%/dev/sdg", {Medium::Usb, "/dev/sdg"}},
        {"PXE", {Medium::Pxe, ""}},
        {"install%/iso/Debian 12.iso", {Medium::Install, "/iso/Debian 12.iso"}},
    }));
    CAPTURE(text);

    CHECK(parse_boot_mode(text) == mode);
}

TEST_CASE("a boot path named default is the one of the configuration", "[qemu]") {
    CHECK(parse_boot_mode("CD%Default") == BootMode{Medium::Cd, ""});
    CHECK(parse_boot_mode("CD%./default") == BootMode{Medium::Cd, "./default"});
}

TEST_CASE("a doubled percent sign is one inside of a boot path", "[qemu]") {
    CHECK(parse_boot_mode("CD%/iso/50%%.iso") == BootMode{Medium::Cd, "/iso/50%.iso"});
    CHECK(parse_boot_mode("CD%/iso/50\\%.iso") == BootMode{Medium::Cd, "/iso/50%.iso"});
}

TEST_CASE("a wrong boot mode is refused with its column and what is accepted", "[qemu]") {
    const std::string words = "is not CD, DVD, FDD, HDD, VHDD, USB, PXE or INSTALL";
    CHECK(boot_refused("CDD") ==
          "BOOTMODE, column 1, mode: \"CDD\" " + words + "; the nearest is CD");
    CHECK(boot_refused("instal%/a") ==
          "BOOTMODE, column 1, mode: \"instal\" " + words + "; the nearest is INSTALL");
    CHECK(boot_refused("tape") == "BOOTMODE, column 1, mode: \"tape\" " + words);
    CHECK(boot_refused("") == "BOOTMODE, column 1, mode: \"\" " + words);
    CHECK(boot_refused("default") == "BOOTMODE, column 1, mode: \"default\" " + words);
    CHECK(boot_refused("KERNEL%/boot/vmlinuz") ==
          "BOOTMODE, column 1, mode: a kernel is given by KERNEL, the wrapper's --kernelmode");
}

TEST_CASE("a path of a boot mode is not empty and not two", "[qemu]") {
    CHECK(boot_refused("CD%") ==
          "BOOTMODE, column 4, path: it is empty; a path or default is accepted");
    CHECK(boot_refused("CD%/a%/b") ==
          "BOOTMODE, column 7, part 3: there are 3 parts; <mode>[%<path>] is accepted, and a % "
          "inside of a part is %%");
}

TEST_CASE("what could be a command of a terminal is no boot mode", "[qemu]") {
    CHECK(boot_refused("CD%/a\n") == "BOOTMODE, column 6: a control character");
    CHECK(boot_refused("\x1b[2J") == "BOOTMODE, column 1: a control character");
    CHECK(boot_refused("CD%/a\x7f") == "BOOTMODE, column 6: a control character");
    CHECK(boot_refused("CD%/\xc3\xa4\xc2\x9b"
                       "2J") == "BOOTMODE, column 7: a control character");
    CHECK(boot_refused("CD%/a\xc2\x85") == "BOOTMODE, column 6: a control character");
    CHECK(boot_refused({"CD\0", 3}) == "BOOTMODE contains a NUL byte");
    CHECK(boot_refused("CD%/\xff") == "BOOTMODE is not UTF-8");
}

TEST_CASE("100 kB are no boot mode", "[qemu]") {
    CHECK(boot_refused("CD%/" + std::string(100'000, 'a')) ==
          "BOOTMODE has 100004 bytes, at most 16384 are allowed");
    CHECK(boot_refused(std::string(max_mode_bytes, '%')).size() < 300);
    CHECK(boot_refused(std::string(max_mode_bytes, 'a')).size() < 300);
}

TEST_CASE("the documented installations of the original are understood", "[qemu]") {
    CHECK(parse_install_mode("") == InstallMode{});
    CHECK(parse_install_mode("CD%default%VHDD%default%INIT") ==
          InstallMode{.source = Medium::Cd, .target = Medium::Vhdd, .stage = Stage::Init});
    CHECK(parse_install_mode("CD%default%HDD%default%init") ==
          InstallMode{.source = Medium::Cd, .target = Medium::Hdd, .stage = Stage::Init});
    CHECK(parse_install_mode("FDD%none%USB%/dev/sdg%init") == InstallMode{.source = Medium::Fdd,
                                                                          .boot_image = true,
                                                                          .target = Medium::Usb,
                                                                          .target_path = "/dev/sdg",
                                                                          .stage = Stage::Init});
    CHECK(parse_install_mode("FDD%none%USB%/dev/sdg%none") ==
          InstallMode{.source = Medium::Fdd,
                      .boot_image = true,
                      .target = Medium::Usb,
                      .target_path = "/dev/sdg"});
}

TEST_CASE("an installation takes five parts of its own", "[qemu]") {
    CHECK(parse_install_mode("dvd%/iso/50%%.iso%hdd%disk.qcow2%post_2-a") ==
          InstallMode{.source = Medium::Dvd,
                      .source_path = "/iso/50%.iso",
                      .target = Medium::Hdd,
                      .target_path = "disk.qcow2",
                      .stage = Stage::Custom,
                      .custom = "post_2-a"});
}

TEST_CASE("what an installation leaves out is the default and empties nothing", "[qemu]") {
    CHECK(parse_install_mode("pxe") == InstallMode{.source = Medium::Pxe});
    CHECK(parse_install_mode("CD%/a%FDD") ==
          InstallMode{.source = Medium::Cd, .source_path = "/a", .target = Medium::Fdd});
    CHECK(parse_install_mode("default%DEFAULT%Default%default%default") == InstallMode{});
}

TEST_CASE("a wrong part of an installation is named with its column", "[qemu]") {
    CHECK(install_refused("CDX%default%HDD%default%INIT") ==
          "INSTMODE, column 1, source mode: \"CDX\" is not CD, DVD, FDD, HDD, VHDD, USB, PXE or "
          "default; the nearest is CD");
    CHECK(install_refused("INSTALL") ==
          "INSTMODE, column 1, source mode: \"INSTALL\" is not CD, DVD, FDD, HDD, VHDD, USB, PXE "
          "or default");
    CHECK(install_refused("CD%default%CD%default%INIT") ==
          "INSTMODE, column 12, target mode: \"CD\" is not HDD, VHDD, USB, FDD or default");
    CHECK(install_refused("CD%/a%/dev/sdg%INIT") ==
          "INSTMODE, column 7, target mode: \"/dev/sdg\" is not HDD, VHDD, USB, FDD or default");
    CHECK(install_refused("CD%/a%VHD") ==
          "INSTMODE, column 7, target mode: \"VHD\" is not HDD, VHDD, USB, FDD or default; the "
          "nearest is VHDD");
    CHECK(install_refused("CD%/a%HDD%%INIT") ==
          "INSTMODE, column 7, target mode: \"HDD%INIT\" is not HDD, VHDD, USB, FDD or default; "
          "%% is a % inside of a part");
    CHECK(install_refused("CD%") ==
          "INSTMODE, column 4, source path: it is empty; a path, default or none is accepted");
    CHECK(install_refused("CD%/a%HDD%") ==
          "INSTMODE, column 11, target path: it is empty; a path or default is accepted");
}

TEST_CASE("a stage is a word, and no slip of INIT", "[qemu]") {
    const std::string own = "is not INIT, none, default or a word of your own (letters, digits, - "
                            "and _, up to 64)";
    CHECK(install_refused("CD%/a%HDD%/b%INT") ==
          "INSTMODE, column 14, stage: \"INT\" " + own + "; the nearest is INIT");
    CHECK(install_refused("CD%/a%HDD%/b%defualt") ==
          "INSTMODE, column 14, stage: \"defualt\" " + own + "; the nearest is default");
    CHECK(install_refused("CD%/a%HDD%/b%") == "INSTMODE, column 14, stage: \"\" " + own);
    CHECK(install_refused("CD%/a%HDD%/b%$(id)") == "INSTMODE, column 14, stage: \"$(id)\" " + own);
    CHECK(install_refused("CD%/a%HDD%/b%" + std::string(65, 'a')).starts_with("INSTMODE, column"));
}

TEST_CASE("an installation has no sixth part", "[qemu]") {
    CHECK(install_refused("CD%/a%HDD%/b%INIT%now") ==
          "INSTMODE, column 19, part 6: there are 6 parts; <mode>%<path>%<target mode>%<target "
          "path>%<stage> is accepted, and a % inside of a part is %%");
}

TEST_CASE("what could be a command of a terminal is no installation", "[qemu]") {
    CHECK(install_refused("CD%/a%HDD%/b\r%INIT") == "INSTMODE, column 13: a control character");
    CHECK(install_refused(std::string(100'000, 'a')) ==
          "INSTMODE has 100000 bytes, at most 16384 are allowed");
}

TEST_CASE("a kernel comes with an initial RAM disk and arguments, or without", "[qemu]") {
    CHECK(parse_kernel_mode("") == KernelMode{});
    CHECK(parse_kernel_mode("/boot/vmlinuz") == KernelMode{.kernel = "/boot/vmlinuz"});
    CHECK(parse_kernel_mode("vmlinuz%initrd.img%quiet") ==
          KernelMode{.kernel = "vmlinuz", .initrd = "initrd.img", .append = "quiet"});
    CHECK(parse_kernel_mode("default%DEFAULT%default") == KernelMode{});
    CHECK(parse_kernel_mode("default%default%quiet") == KernelMode{.append = "quiet"});
}

TEST_CASE("a percent sign between kernel arguments is a space", "[qemu]") {
    CHECK(parse_kernel_mode("k%i%root=/dev/sda1%console=ttyS0%a=50%%").value().append ==
          "root=/dev/sda1 console=ttyS0 a=50%");
    CHECK(parse_kernel_mode("k%i%root=/dev/sda1 quiet").value().append == "root=/dev/sda1 quiet");
}

TEST_CASE("a wrong part of a kernel is named with its column", "[qemu]") {
    CHECK(kernel_refused("%initrd") ==
          "KERNEL, column 1, kernel: it is empty; a path or default is accepted");
    CHECK(kernel_refused("k%") ==
          "KERNEL, column 3, initrd: it is empty; a path or default is accepted");
    CHECK(kernel_refused("k%i%a\tb") == "KERNEL, column 6: a control character");
    CHECK(kernel_refused(std::string(100'000, 'k')) ==
          "KERNEL has 100000 bytes, at most 16384 are allowed");
}
