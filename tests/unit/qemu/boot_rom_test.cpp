#include "mesh/qemu/boot_rom.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::qemu;

namespace {

VmPlan from_network() {
    return {.binary = "/usr/bin/qemu-system-x86_64",
            .label = "web",
            .boot_order = "n",
            .user_network = true,
            .nic_model = "ne2k_pci",
            .instance_directory = "/run/ctys/i/web",
            .extra = {"-L", "/opt/bios"}};
}

using Paths = std::vector<std::string>;

} // namespace

TEST_CASE("a boot from a network looks for the ROM of its card in the folder of the BIOS",
          "[qemu]") {
    auto plan = from_network();
    CHECK(boot_rom_candidates(plan) ==
          Paths{"/opt/bios/pxe-ne2k_pci.bin", "/opt/bios/pxe-ne2k_pci.rom"});
    plan.nic_model = "virtio-net-pci";
    CHECK(boot_rom_candidates(plan).front() == "/opt/bios/pxe-virtio.bin");
    plan.nic_model = "";
    CHECK(boot_rom_candidates(plan).front() == "/opt/bios/pxe-e1000.bin");
    plan.nic_model = "board";
    CHECK(boot_rom_candidates(plan).empty());
    plan.nic_model = "e1000";
    plan.boot_order = "c";
    CHECK(boot_rom_candidates(plan).empty());
    plan.boot_order = "n";
    plan.extra = {"-L"};
    CHECK(boot_rom_candidates(plan).empty());
}

TEST_CASE("the ROM of QEMUBIOS is told to QEMU as in the call for PXE of the original", "[qemu]") {
    auto plan = from_network();
    plan.boot_rom = "/opt/bios/pxe-ne2k_pci.bin";

    const auto argv = assemble(plan).value();

    const Paths wanted{"-device",
                       "ne2k_pci,netdev=net0",
                       "-option-rom",
                       "/opt/bios/pxe-ne2k_pci.bin",
                       "-L",
                       "/opt/bios",
                       "-boot",
                       "order=n"};
    CHECK(Paths(argv.end() - static_cast<std::ptrdiff_t>(wanted.size()), argv.end()) == wanted);
    plan.boot_rom = "relative.bin";
    CHECK_FALSE(assemble(plan));
}
