#include "tools/qemu_call/modes.h"

namespace ctys::call {

namespace {

Result<qemu::BootDecision> decide_installation(qemu::VmPlan plan,
                                               const ModeOptions& modes,
                                               const qemu::MediaVariables& variables) {
    auto mode = qemu::parse_install_mode(modes.install.value_or(""));
    if (!mode) return tl::unexpected(mode.error());
    if (modes.init) mode->stage = qemu::Stage::Init;
    return modes.init_only ? qemu::decide_storage(std::move(plan), *mode, variables)
                           : qemu::decide_install(std::move(plan), *mode, variables);
}

} // namespace

Result<qemu::BootDecision>
decide_modes(qemu::VmPlan plan, const ModeOptions& modes, const qemu::MediaVariables& variables) {
    if (modes.kernel) {
        const auto mode = qemu::parse_kernel_mode(*modes.kernel);
        if (!mode) return tl::unexpected(mode.error());
        auto with_kernel = qemu::decide_kernel(std::move(plan), *mode, variables);
        if (!with_kernel) return tl::unexpected(with_kernel.error());
        plan = std::move(*with_kernel);
    } else if (modes.boot || modes.install || modes.init) {
        // QEMU boots a kernel it is given, whatever is in its drives.
        plan.kernel.clear();
        plan.initrd.clear();
        plan.append.clear();
    }
    std::optional<qemu::BootMode> boot;
    if (modes.boot) {
        // Also where an installation goes before it: a slip in one option of a call that empties a
        // disk is a reason not to.
        auto mode = qemu::parse_boot_mode(*modes.boot);
        if (!mode) return tl::unexpected(mode.error());
        boot = std::move(*mode);
    }
    if (modes.install || modes.init) return decide_installation(std::move(plan), modes, variables);
    if (!boot) return qemu::decide_default_boot(std::move(plan), variables);
    return qemu::decide_boot(std::move(plan), *boot, variables);
}

} // namespace ctys::call
