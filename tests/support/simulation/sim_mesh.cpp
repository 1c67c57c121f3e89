#include "tests/support/simulation/sim_mesh.h"

namespace ctys::sim {

SimAgent& SimMesh::add_agent(Machine& machine, const std::string& name, std::vector<Mount> mounts) {
    AgentPlan plan{.id = ground.random.id<WorkerId>(),
                   .name = name,
                   .mounts = std::move(mounts),
                   .owners = {}};
    agents.push_back(
        std::make_unique<SimAgent>(ground, network, promises, machine, std::move(plan)));
    return *agents.back();
}

SimTool& SimMesh::add_tool(const std::string& name, Role role) {
    tools.push_back(std::make_unique<SimTool>(ground,
                                              network,
                                              broker,
                                              promises,
                                              name,
                                              Principal{.name = name, .role = role, .worker = {}}));
    return *tools.back();
}

SimAgent* SimMesh::find_agent(std::string_view name) {
    for (const auto& agent : agents) {
        if (agent->name() == name) return agent.get();
    }
    return nullptr;
}

SimTool* SimMesh::find_tool(std::string_view name) {
    for (const auto& tool : tools) {
        if (tool->name() == name) return tool.get();
    }
    return nullptr;
}

void SimMesh::reboot(Machine& machine, Duration takes) {
    ground.tell([&] { return fmt::format("machine {} reboots", machine.name()); });
    for (const auto& agent : agents) {
        if (&agent->machine() != &machine) continue;
        agent->crash();
        agent->restart_in(takes);
    }
    promises.on_reboot(machine.boot());
    machine.reboot();
}

void SimMesh::fence(SimTool& by, const std::string& worker) {
    by.administer(msg::Administer::What::FenceWorker, worker, [this, worker](bool done) {
        auto* agent = find_agent(worker);
        if (done && agent != nullptr) promises.on_fence(agent->machine());
    });
}

void SimMesh::mend() {
    network.heal_all();
    network.set_delay(std::chrono::microseconds{200}, std::chrono::milliseconds{3});
    broker.fail_commits(false);
    broker.start();
    for (const auto& agent : agents) {
        agent->fail_spool(false);
        agent->thaw();
        agent->start();
    }
}

} // namespace ctys::sim
