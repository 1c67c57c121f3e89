#pragma once

#include "tests/support/simulation/plan_promises.h"
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
        promises.tell_fate = [this](const Process& process, Fate fate) { on_fate(process, fate); };
        promises.tell_run_level = [this](Machine& machine, unsigned level) {
            on_run_level(machine, level);
        };
        promises.tell_event = [this](const Event& event) {
            if (event.kind == EventKind::WorkerFenced) on_fenced(event.worker_name);
            plans.on_event(event);
        };
    }

    Ground ground;
    Network network;
    Promises promises;
    SimBroker broker;
    PlanPromises plans{*this};
    std::vector<std::unique_ptr<SimAgent>> agents;
    std::vector<std::unique_ptr<SimTool>> tools;

    [[nodiscard]] Estate& estate() { return promises.estate(); }
    SimAgent& add_agent(Machine& machine, const std::string& name, std::vector<Mount> mounts);
    SimTool& add_tool(const std::string& name, Role role);
    [[nodiscard]] SimAgent* find_agent(std::string_view name);
    [[nodiscard]] SimTool* find_tool(std::string_view name);
    /// Power cycle: processes are gone, its agents start again after the time given.
    void reboot(Machine& machine, Duration takes);
    /// This machine is that VM (DESIGN: Stacks): up while it runs, its agents after `boots`.
    Machine& add_inside(const std::string& name, const VmId& vm, Duration boots);
    void fence(SimTool& by, const std::string& worker);
    void on_fenced(const std::string& worker);
    /// Ends every fault: all is healed and started.
    void mend();
    /// The process a machine is; none for hardware and while it is off.
    [[nodiscard]] std::pair<Machine*, ProcessRef> carrier_of(const Machine& machine);
    void run_for(Duration span) { ground.schedule.run_until(ground.schedule.now() + span); }

private:
    void on_fate(const Process& process, Fate fate);
    void on_run_level(Machine& machine, unsigned level);
    void let_stand(Machine& machine, bool stands);
    void switch_on(Machine& machine, const Process& carrier);
    void switch_off(Machine& machine);

    std::map<std::string, Duration> boots_; ///< of machines that are VMs
    std::map<VmId, std::vector<Machine*>> inside_of_;
};

/// What must hold when nothing disturbs a mesh any more and time has passed.
void check_rest(SimMesh& mesh);

} // namespace ctys::sim
