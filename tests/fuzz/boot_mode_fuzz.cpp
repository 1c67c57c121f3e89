// Fuzzes the readers of BOOTMODE, INSTMODE and KERNEL, and what is decided by what they understood.
#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "mesh/qemu/boot_plan.h"

#include <cstddef>
#include <cstdint>
#include <string>

using namespace ctys;

namespace {

void check_part(const std::string& part) {
    CTYS_ASSERT(printable(part, qemu::max_mode_bytes) == part);
}

// What is decided can be told to QEMU, or is refused with a message that is fit for a terminal.
void check_decision(const Result<qemu::BootDecision>& decision) {
    if (!decision) {
        CTYS_ASSERT(decision.error().code == ErrorCode::Usage);
        CTYS_ASSERT(printable(decision.error().message, 1024 * 1024) == decision.error().message);
        return;
    }
    for (const auto& file : decision->files) {
        CTYS_ASSERT(file.path.starts_with('/'));
    }
    CTYS_ASSERT(decision->plan.floppies.size() <= 2);
    CTYS_ASSERT(decision->plan.boot_order.size() == 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    const qemu::VmPlan plan{.boot = qemu::Disk{.file = "/vm/a.img"}, .user_network = true};
    const qemu::MediaVariables variables{"/vm", {{"FDDIMAGE", "f.img"}, {"INSTSRC", "/dev/cdrom"}}};
    if (const auto boot = qemu::parse_boot_mode(text)) {
        check_part(boot->path);
        check_decision(qemu::decide_boot(plan, *boot, variables));
    }
    if (const auto install = qemu::parse_install_mode(text)) {
        check_part(install->source_path);
        check_part(install->target_path);
        CTYS_ASSERT((install->stage == qemu::Stage::Custom) == !install->custom.empty());
#ifdef CTYS_PLANTED_DEFECT
        // A decision that trusts the source `none` to come with a target: the harness must find it.
        CTYS_ASSERT(!install->boot_image || install->target);
#endif
        check_decision(qemu::decide_install(plan, *install, variables));
    }
    if (const auto kernel = qemu::parse_kernel_mode(text)) {
        check_part(kernel->kernel);
        check_part(kernel->initrd);
        check_part(kernel->append);
    }
    return 0;
}
