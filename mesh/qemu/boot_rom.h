#pragma once

#include "mesh/qemu/assemble.h"

#include <string>
#include <vector>

namespace ctys::qemu {

/// Where the boot ROM of the network card of a VM that boots from a network may lie, as the call of
/// the original names it (CTYS-REFERENCE S-364): pxe-MODEL.bin or .rom in the folders of -L, which
/// QEMUBIOS becomes. Empty for a VM that boots otherwise. Pure; the first one that exists is meant.
[[nodiscard]] std::vector<std::string> boot_rom_candidates(const VmPlan& plan);

} // namespace ctys::qemu
