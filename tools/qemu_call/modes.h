#pragma once

#include "mesh/qemu/boot_plan.h"

#include <optional>
#include <string>

namespace ctys::call {

/// What a call asks for beside the configuration, as it was typed; nothing: not asked for.
struct ModeOptions {
    std::optional<std::string> boot;
    std::optional<std::string> install;
    std::optional<std::string> kernel;
    std::optional<std::string> console;
    std::optional<std::string> vnc_display;
    bool init = false;      ///< the stage is INIT, whatever `install` says
    bool init_only = false; ///< with `init`: nothing is booted, the target is prepared
    bool force = false;     ///< INIT may destroy what the target holds

    /// The devices differ from those of the configuration.
    [[nodiscard]] bool any() const { return boot || install || kernel || init; }
    bool operator==(const ModeOptions&) const = default;
};

/// Decides what is booted; an installation goes before a boot mode, as in the original. The kernel
/// of the configuration is not booted where another medium is asked for. Pure. Errors: Usage, by
/// the value of an option or a variable.
[[nodiscard]] Result<qemu::BootDecision>
decide_modes(qemu::VmPlan plan, const ModeOptions& modes, const qemu::MediaVariables& variables);

} // namespace ctys::call
