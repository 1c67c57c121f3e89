#pragma once

#include "agent/core/owner_command.h"
#include "agent/shell/agent.h"
#include "agent/shell/pool_settings.h"
#include "agent/shell/program.h"
#include "mesh/bus/endpoint.h"
#include "mesh/bus/socket_options.h"
#include "mesh/core/vm.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ctys::agent {

/// Every setting there is, with its default.
[[nodiscard]] std::span<const setup::SettingRule> agent_setting_rules();

/// The settings of ctys-agent: files, environment and command line. Errors: Usage.
[[nodiscard]] Result<setup::Settings> load_agent_settings(const ProgramOptions& options);

/// Errors: Usage (the host's name or the one given is none).
[[nodiscard]] Result<std::string> worker_name(const setup::Settings& settings);

/// Those of the settings and those of the pool file in the agent's own state folder.
[[nodiscard]] Result<std::vector<PoolSettings>> configured_pools(const setup::Settings& settings,
                                                                 const std::string& own_state);

/// Whether their programs are here is not looked at. Errors: Usage (no such placeholder).
[[nodiscard]] Result<OwnerCommands> owner_commands(const setup::Settings& settings);

/// How the machine of this agent goes down; where its agent may not do it, why.
[[nodiscard]] SelfCommands self_commands(const setup::Settings& settings);

/// Where the broker is, and how to speak to it.
struct BrokerLine {
    bus::Endpoint endpoint;
    bus::SocketOptions options;
};
/// `runtime` is the directory of the mesh on this machine. Errors: Refused (tcp without keys),
/// those of the keys.
[[nodiscard]] Result<BrokerLine> broker_line(const setup::Settings& settings,
                                             const std::string& runtime);
/// Of a socket that speaks to nobody yet.
[[nodiscard]] bus::SocketOptions uplink_options();

/// What SIGTERM means to the VMs of this machine.
enum class OnEnd : std::uint8_t { LeaveGuests, StopGuests };
struct StopSettings {
    OnEnd on_end = OnEnd::LeaveGuests;
    Duration deadline = std::chrono::seconds{180};
};
/// Errors: Usage.
[[nodiscard]] Result<StopSettings> stop_settings(const setup::Settings& settings);

} // namespace ctys::agent
