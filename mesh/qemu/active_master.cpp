#include "mesh/qemu/active_master.h"

namespace ctys::qemu {

namespace {

bool is_same_vm(const Configuration& a, const Configuration& b) {
    if (a.uuid_usable && b.uuid_usable) return a.vm.id == b.vm.id;
    return a.vm.label == b.vm.label;
}

} // namespace

bool is_active_master(const Configuration& configuration) {
    return configuration.is_qemu && !configuration.ignored && !configuration.not_listed &&
           (configuration.vmstate.empty() || configuration.vmstate == "ACTIVE");
}

std::vector<std::string> other_masters(const Configuration& configuration,
                                       std::span<const Variant> beside) {
    std::vector<std::string> out;
    if (!is_active_master(configuration)) return out;
    for (const auto& variant : beside) {
        if (is_active_master(variant.configuration) &&
            is_same_vm(configuration, variant.configuration))
            out.push_back(variant.file);
    }
    return out;
}

} // namespace ctys::qemu
