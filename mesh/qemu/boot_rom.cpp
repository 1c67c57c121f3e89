#include "mesh/qemu/boot_rom.h"

#include <fmt/format.h>

namespace ctys::qemu {

std::vector<std::string> boot_rom_candidates(const VmPlan& plan) {
    std::vector<std::string> out;
    if (plan.boot_order.find('n') == std::string::npos || plan.nic_model == "board") return out;
    std::string model = plan.nic_model.empty() ? "e1000" : plan.nic_model;
    if (model == "virtio-net-pci") model = "virtio"; // its ROM has the name of the family
    const auto& words = plan.extra;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] != "-L" || !words[i + 1].starts_with('/')) continue;
        for (const auto* ending : {"bin", "rom"}) {
            out.push_back(fmt::format("{}/pxe-{}.{}", words[i + 1], model, ending));
        }
    }
    return out;
}

} // namespace ctys::qemu
