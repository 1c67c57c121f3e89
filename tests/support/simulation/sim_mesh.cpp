#include "tests/support/simulation/sim_mesh.h"

namespace ctys::sim {

SimAgent& SimMesh::add_agent(Machine& machine, const std::string& name, std::vector<Mount> mounts) {
    AgentPlan plan{.id = ground.random.id<WorkerId>(),
                   .name = name,
                   .mounts = std::move(mounts),
                   .owners = {{Owner::Libvirt,
                               {.words = {"virsh", "shutdown", "{uuid}"}, .origin = "default"}}}};
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
    if (!machine.inside().is_none()) {
        const auto [outer, process] = carrier_of(machine);
        if (process && !outer->is_frozen()) outer->reset_guest(process);
        return;
    }
    ground.tell([&] { return fmt::format("machine {} reboots", machine.name()); });
    for (const auto& agent : agents) {
        if (&agent->machine() != &machine) continue;
        agent->crash();
        agent->restart_in(takes);
    }
    promises.on_reboot(machine.boot());
    machine.reboot();
}

Machine& SimMesh::add_inside(const std::string& name, const VmId& vm, Duration boots) {
    auto& machine = estate().add_machine(promises, name);
    machine.put_inside(vm);
    boots_[name] = boots;
    inside_of_[vm].push_back(&machine);
    return machine;
}

std::pair<Machine*, ProcessRef> SimMesh::carrier_of(const Machine& machine) {
    if (!machine.carrier) return {};
    for (const auto& [name, outer] : estate().machines()) {
        if (auto process = outer->find(*machine.carrier)) return {outer.get(), process};
    }
    return {};
}

void SimMesh::switch_on(Machine& machine, const Process& carrier) {
    ground.tell([&] { return fmt::format("machine {} boots", machine.name()); });
    machine.carrier = carrier.key;
    const auto boots = boots_.at(machine.name());
    machine.power(boots);
    for (const auto& agent : agents) {
        if (&agent->machine() == &machine) agent->restart_in(boots);
    }
}

void SimMesh::switch_off(Machine& machine) {
    ground.tell([&] { return fmt::format("machine {} is off", machine.name()); });
    machine.carrier.reset();
    for (const auto& agent : agents) {
        if (&agent->machine() == &machine) agent->crash();
    }
    promises.on_reboot(machine.boot());
    machine.cut();
}

void SimMesh::let_stand(Machine& machine, bool stands) {
    if (machine.is_frozen() == stands) return;
    if (stands) {
        machine.freeze();
    } else {
        machine.thaw();
    }
    for (const auto& agent : agents) {
        if (&agent->machine() != &machine) continue;
        if (stands) {
            agent->freeze();
        } else {
            agent->thaw();
        }
    }
    // What is inside has the same CPUs.
    for (const auto& [name, inner] : estate().machines()) {
        const auto process = inner->carrier ? machine.find(*inner->carrier) : nullptr;
        if (process && process->state == VmState::Running) let_stand(*inner, stands);
    }
}

void SimMesh::on_fate(const Process& process, Fate fate) {
    Machine* found = nullptr;
    Machine* resting = nullptr;
    const auto machines = inside_of_.find(process.vm);
    if (machines == inside_of_.end()) return;
    for (auto* machine : machines->second) {
        if (machine->carrier == process.key) found = machine;
        if (!machine->carrier && resting == nullptr) resting = machine;
    }
    // A second process of the VM is another machine with the same UUID, where the story has one.
    if (found == nullptr && resting != nullptr && fate == Fate::Runs) {
        if (!resting->is_asleep) return switch_on(*resting, process);
        resting->is_asleep = false;
        if (process.loads) {
            resting->carrier = process.key;
            return let_stand(*resting, false);
        }
        switch_off(*resting);
        return switch_on(*resting, process);
    }
    if (found == nullptr) return;
    switch (fate) {
    case Fate::Runs:
        return let_stand(*found, false);
    case Fate::Stands:
        return let_stand(*found, true);
    case Fate::Asked: {
        const auto inner = found->processes();
        for (const auto& [key, each] : inner) {
            (void)found->command(each, agent::Monitor::Powerdown);
        }
        return;
    }
    case Fate::Reset:
        switch_off(*found);
        if (process.state == VmState::Running) switch_on(*found, process);
        return;
    case Fate::Over: {
        const auto* directory = process.directory();
        if (directory == nullptr || !directory->noted) return switch_off(*found);
        ground.tell([&] { return fmt::format("machine {} is on disk", found->name()); });
        found->carrier.reset();
        found->is_asleep = true;
        return;
    }
    }
}

void SimMesh::on_run_level(Machine& machine, unsigned level) {
    constexpr unsigned power_off = 0;
    constexpr unsigned restart = 6;
    if (level != power_off && level != restart) return;
    ground.tell(
        [&] { return fmt::format("machine {} enters run level {}", machine.name(), level); });
    const auto [outer, process] = carrier_of(machine);
    if (!process) {
        const auto boot = machine.boot();
        ground.schedule.after(std::chrono::seconds{2}, [this, &machine, boot, level] {
            if (machine.boot() != boot || !machine.is_up()) return;
            if (level == restart) return reboot(machine, std::chrono::seconds{5});
            for (const auto& agent : agents) {
                if (&agent->machine() == &machine) agent->crash();
            }
            promises.on_reboot(boot);
            machine.cut();
        });
        return;
    }
    if (!process->guest.obeys) return;
    on_fate(*process, Fate::Asked);
    outer->later(process->guest.takes, [outer = outer, process = process, level] {
        if (level == power_off) return outer->shutdown_guest(process);
        outer->reset_guest(process);
    });
}

void SimMesh::fence(SimTool& by, const std::string& worker) {
    by.administer(msg::Administer::What::FenceWorker, worker, [](bool) {});
}

// What somebody has declared dead is so from the moment it is recorded, with all that it carries.
void SimMesh::on_fenced(const std::string& worker) {
    if (auto* agent = find_agent(worker)) promises.on_fence(agent->machine());
}

void SimMesh::mend() {
    network.heal_all();
    network.set_delay(std::chrono::microseconds{200}, std::chrono::milliseconds{3});
    broker.fail_commits(false);
    broker.thaw();
    broker.start();
    for (const auto& [name, machine] : estate().machines()) {
        const auto [outer, process] = carrier_of(*machine);
        if (process && machine->is_frozen()) (void)outer->command(process, agent::Monitor::Cont);
    }
    for (const auto& agent : agents) {
        agent->fail_spool(false);
        agent->thaw();
        agent->start();
    }
}

} // namespace ctys::sim
