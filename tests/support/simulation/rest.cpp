// What must hold at rest: every action has ended, and inventory, leases and watchers agree with
// what is.

#include "schema/codec.h"
#include "tests/support/simulation/sim_mesh.h"

namespace ctys::sim {

namespace {

/// Its machine stands still or is on disk: what it had begun goes on when that does.
bool stands_still(const SimMesh& mesh, const WorkerId& worker) {
    return std::any_of(mesh.agents.begin(), mesh.agents.end(), [&](const auto& agent) {
        return agent->plan().id == worker &&
               (agent->machine().is_frozen() || agent->machine().is_asleep);
    });
}

void check_actions(SimMesh& mesh) {
    for (const auto& [id, record] : mesh.broker.store().actions()) {
        if (record.state != ActionState::Ended) {
            if (record.state == ActionState::Running && stands_still(mesh, record.action.worker))
                continue;
            mesh.ground.broken("action",
                               fmt::format("{} {} has not ended ({})",
                                           to_string(record.action.verb),
                                           record.label,
                                           to_string(record.state)));
        } else if (const auto found = mesh.promises.outcomes().find(id);
                   found == mesh.promises.outcomes().end()) {
            mesh.ground.broken("action", "an action ended without a word in the journal");
        }
    }
    for (const auto& tool : mesh.tools) {
        for (const auto& [correlation, told] : tool->told()) {
            const auto& actions = mesh.broker.store().actions();
            if (!told.answered) {
                mesh.ground.broken("action", "a request was never answered");
            } else if (!told.refused && !actions.contains(told.action)) {
                mesh.ground.broken("action", "an accepted action is not known any more");
            }
        }
    }
}

bool has_monitor(const Process& process) {
    if (process.managed) return true;
    return process.has_monitor && process.owner != Owner::Libvirt &&
           process.owner != Owner::Proxmox;
}

void check_processes(SimMesh& mesh) {
    const auto rows = mesh.broker.store().all_instances();
    for (const auto& [name, machine] : mesh.estate().machines()) {
        const bool is_seen = std::any_of(
            mesh.agents.begin(), mesh.agents.end(), [&machine = machine](const auto& a) {
                return &a->machine() == machine.get() && a->is_up();
            });
        for (const auto& [key, process] : machine->processes()) {
            if (!is_seen) continue;
            const auto row = std::find_if(rows.begin(), rows.end(), [&key = key](const auto& each) {
                return each.key == key;
            });
            const auto what = fmt::format("{} on {}", process->label, name);
            if (row == rows.end() || !is_live(row->state)) {
                mesh.ground.broken("P3", fmt::format("{} runs and is not in the inventory", what));
                continue;
            }
            auto truth = has_monitor(*process) ? process->state : VmState::Running;
            if (machine->is_frozen()) truth = VmState::Frozen;
            if (row->state != truth) {
                mesh.ground.broken(
                    "inventory",
                    fmt::format(
                        "{} is {} and shown as {}", what, to_string(truth), to_string(row->state)));
            }
            // Whoever would let it run stands still with it.
            if (!process->ran && !machine->is_frozen())
                mesh.ground.broken("P6", fmt::format("{} stands with -S for ever", what));
            if (row->managed != process->managed)
                mesh.ground.broken("inventory", fmt::format("{} has a wrong owner", what));
        }
    }
}

void check_rows(SimMesh& mesh) {
    for (const auto& row : mesh.broker.store().all_instances()) {
        if (!is_live(row.state)) continue;
        bool lives = false;
        for (const auto& [name, machine] : mesh.estate().machines()) {
            lives = lives || machine->find(row.key) != nullptr;
        }
        if (!lives)
            mesh.ground.broken("inventory", fmt::format("{} is shown and does not run", row.label));
    }
}

void check_leases(SimMesh& mesh) {
    const auto& store = mesh.broker.store();
    for (const auto& [vm, lease] : store.leases()) {
        bool holds = false;
        for (const auto& row : store.instances(vm)) {
            holds = holds || (is_live(row.state) && row.key == lease.instance);
        }
        if (lease.phase == Lease::Phase::Reserved) {
            if (stands_still(mesh, lease.worker)) continue;
            mesh.ground.broken("lease", "a lease is reserved for ever");
        } else if (!holds) {
            mesh.ground.broken("lease", "a lease outlives its instance");
        }
    }
    for (const auto& row : store.all_instances()) {
        if (is_live(row.state) && !store.leases().contains(row.vm))
            mesh.ground.broken("lease", fmt::format("{} runs without a lease", row.label));
    }
}

bool has_live_rows(const SimMesh& mesh, const WorkerId& worker) {
    const auto rows = mesh.broker.store().all_instances();
    return std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
        return row.worker == worker && is_live(row.state);
    });
}

/// Nobody may lose a worker to its silence once its carrier is known to stand. One that was lost
/// before, and has nothing to freeze, stays so (Carried): its machine may have booted since, and
/// its agent was never heard, so nobody can tell that there is one in it.
bool may_stay_lost(const SimMesh& mesh, const SimAgent& agent) {
    if (has_live_rows(mesh, agent.plan().id)) return false;
    bool stands = false;
    bool lost_while_it_stood = false;
    mesh.broker.store().read_ever_recorded(0, [&](const broker::JournalItem& item) {
        const auto event = schema::decode_event(view(item.event));
        if (!event) return true;
        const auto* row = std::get_if<InstanceRecord>(&event->payload);
        const bool is_over = row != nullptr && row->reason == "shutdown"; // its guest is off
        if (event->vm == agent.machine().inside() && event->kind <= EventKind::StateUnknown)
            stands =
                !is_over && (event->kind == EventKind::Paused || event->kind == EventKind::Frozen ||
                             event->kind == EventKind::Suspended);
        if (event->worker == agent.plan().id && event->kind == EventKind::WorkerLost)
            lost_while_it_stood = stands;
        return true;
    });
    return !lost_while_it_stood;
}

void check_workers(SimMesh& mesh) {
    for (const auto& agent : mesh.agents) {
        const auto& workers = mesh.broker.store().workers();
        const auto found = workers.find(agent->plan().id);
        const auto& machine = agent->machine();
        if (!machine.is_up() || machine.is_frozen()) {
            const auto truth = machine.is_up() ? WorkerState::Paused : WorkerState::Lost;
            if (found == workers.end() || found->second.state == truth) continue;
            if (machine.is_up() && found->second.state == WorkerState::Lost &&
                may_stay_lost(mesh, *agent))
                continue;
            mesh.ground.broken("worker",
                               fmt::format("{} is {} and shown as {}",
                                           agent->name(),
                                           to_string(truth),
                                           to_string(found->second.state)));
        } else if (found == workers.end() || found->second.state != WorkerState::Alive) {
            mesh.ground.broken("worker", fmt::format("{} is up and not alive", agent->name()));
        } else if (found->second.mark.stream != agent->spool().stream() ||
                   found->second.mark.sequence != agent->spool().last_sequence()) {
            mesh.ground.broken("worker", fmt::format("events of {} never arrive", agent->name()));
        }
    }
}

void check_watchers(SimMesh& mesh) {
    for (const auto& tool : mesh.tools) {
        if (tool->is_watching() && !tool->is_caught_up()) {
            mesh.ground.broken("P2", fmt::format("the watch of {} stands still", tool->name()));
        }
    }
}

void check_exits(SimMesh& mesh) {
    for (const auto& [key, exit] : mesh.promises.exits()) {
        if (exit.process.managed && !exit.excused && exit.recorded != 1)
            mesh.ground.broken("P5",
                               fmt::format("the end of {} by {} is not in the journal",
                                           exit.process.label,
                                           to_string(exit.process.ended->by)));
    }
}

} // namespace

void check_rest(SimMesh& mesh) {
    check_actions(mesh);
    check_processes(mesh);
    check_rows(mesh);
    check_leases(mesh);
    check_workers(mesh);
    check_watchers(mesh);
    check_exits(mesh);
    mesh.plans.check_rest();
}

} // namespace ctys::sim
