#pragma once

#include "mesh/core/worker.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools {

/// Session types of the original that exist here.
enum class PluginType : std::uint8_t { Cli, X11, Vnc, Qemu };
inline constexpr std::array plugin_types{
    PluginType::Cli, PluginType::X11, PluginType::Vnc, PluginType::Qemu};
[[nodiscard]] std::string_view to_string(PluginType type);
/// In any case. Errors: Usage; Unsupported for types of the original that are not
/// here.
[[nodiscard]] Result<PluginType> parse_plugin_type(std::string_view text);

/// As the original names, numbers and colours them (CTYS-REFERENCE 6.3).
enum class PluginState : std::int8_t {
    Ignored = -1,  ///< switched off by configuration; it has no number
    Available = 0, ///< present, not asked for
    Disabled = 1,  ///< a prerequisite is missing
    Enabled = 2,   ///< all prerequisites are satisfied
    Idle = 3,      ///< loaded beside the working type
    Busy = 4,      ///< the working type
};
inline constexpr std::array plugin_states{PluginState::Ignored,
                                          PluginState::Available,
                                          PluginState::Disabled,
                                          PluginState::Enabled,
                                          PluginState::Idle,
                                          PluginState::Busy};
[[nodiscard]] std::string_view to_string(PluginState state);
/// "2", or "-" for the one without a number.
[[nodiscard]] std::string number_text(PluginState state);
/// All its prerequisites are satisfied.
[[nodiscard]] bool is_green(PluginState state);

/// One thing that was looked at.
struct PluginCheck {
    std::string what;
    bool passed = false;
    bool needed = true;  ///< the plugin is DISABLED without it
    std::string fact;    ///< where it is, or what is wrong
    std::string command; ///< provides it; of a needed one that is missing

    bool operator==(const PluginCheck&) const = default;
};

struct Plugin {
    PluginType type = PluginType::Cli;
    PluginState state = PluginState::Available;
    std::string version;
    std::string accelerator; ///< of QEMU: "KVM", or "QEMU" for its own emulation
    std::vector<PluginCheck> checks;
    std::vector<std::string> remarks;

    bool operator==(const Plugin&) const = default;
};

struct PluginRequest {
    std::vector<PluginType> loaded;    ///< -T
    std::optional<PluginType> working; ///< -t
    bool as_server = false;            ///< -E: as execution target
    std::vector<PluginType> ignored;   ///< plugins.ignore

    [[nodiscard]] bool asks_for(PluginType type) const;
};

/// The state of each plugin on the machine of this record, in the order of plugin_types. Those that
/// nobody asks for are not looked at. Pure.
[[nodiscard]] std::vector<Plugin> judge_plugins(const PluginRequest& request,
                                                const WorkerRecord& worker);

/// True when each one that is asked for is green.
[[nodiscard]] bool all_green(const PluginRequest& request, const std::vector<Plugin>& plugins);

/// Every plugin as execution target: what `ctys -a info` shows. Nothing where the record has no
/// survey.
[[nodiscard]] std::vector<Plugin> plugins_of(const WorkerRecord& worker);

} // namespace ctys::tools
