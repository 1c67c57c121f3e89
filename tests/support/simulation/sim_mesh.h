#pragma once

#include "tests/support/simulation/sim_agent.h"
#include "tests/support/simulation/sim_broker.h"
#include "tests/support/simulation/sim_tool.h"

namespace ctys::sim {

/// A whole mesh in one process: machines with agents, the broker, tools, the network between them,
/// under virtual time and out of one seed (DESIGN 13).
class SimMesh {
public:
    SimMesh(std::uint64_t seed, bool tells, Mutant mutant = Mutant::None)
        : ground(seed, tells), network(ground), promises(ground),
          broker(ground, network, promises) {
        ground.mutant = mutant;
    }

    Ground ground;
    Network network;
    Promises promises;
    SimBroker broker;
    std::vector<std::unique_ptr<SimAgent>> agents;
    std::vector<std::unique_ptr<SimTool>> tools;

    [[nodiscard]] Estate& estate() { return promises.estate(); }
    SimAgent& add_agent(Machine& machine, const std::string& name, std::vector<Mount> mounts);
    SimTool& add_tool(const std::string& name, Role role);
    [[nodiscard]] SimAgent* find_agent(std::string_view name);
    [[nodiscard]] SimTool* find_tool(std::string_view name);
    /// Power cycle: processes are gone, its agents start again after the time given.
    void reboot(Machine& machine, Duration takes);
    void fence(SimTool& by, const std::string& worker);
    /// Ends every fault: all is healed and started.
    void mend();
    void run_for(Duration span) { ground.schedule.run_until(ground.schedule.now() + span); }
};

/// What must hold when nothing disturbs a mesh any more and time has passed.
void check_rest(SimMesh& mesh);

} // namespace ctys::sim
