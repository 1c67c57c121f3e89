#include "tests/support/simulation/random_mesh.h"

namespace ctys::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration storm{seconds{200}}; // orders and faults
/// Longer than the patience of a shutdown without a deadline, and than every retry.
constexpr Duration rest{seconds{260}};

class RandomLife {
public:
    RandomLife(std::uint64_t seed, bool tells, Mutant mutant) : mesh_(seed, tells, mutant) {}

    Verdict run(std::uint64_t seed) {
        build();
        mesh_.run_for(seconds{2});
        plan_order();
        plan_fault();
        mesh_.run_for(storm);
        over_ = true;
        mesh_.mend();
        mesh_.run_for(rest);
        check_rest(mesh_);
        return verdict(seed);
    }

private:
    Random& chance() { return mesh_.ground.random; }

    void build();
    void build_storage(std::size_t count);
    void build_workers(std::size_t count);
    void plan_order();
    void plan_fault();
    void order();
    void order_action(SimTool& tool);
    void surprise();
    void start_by_hand();
    void fault();
    void fault_of_broker();
    void restart_broker();
    void fault_of_network();
    void fault_of_agent(SimAgent& agent);
    [[nodiscard]] Verdict verdict(std::uint64_t seed) const;

    SimMesh mesh_;
    bool over_ = false;
    std::vector<std::string> labels_;
    std::vector<ActionId> actions_;
};

void RandomLife::build_storage(std::size_t count) {
    auto& shared = mesh_.estate().add_storage("shared", chance().id<PoolId>());
    shared.has_locks = chance().chance(30);
    for (std::size_t i = 0; i < count; ++i) {
        const auto label = fmt::format("vm{}", i);
        Directory directory{.uuid = chance().id<VmId>(), .label = label, .grace = {}};
        if (chance().chance(20)) directory.grace = chance().between(seconds{2}, seconds{20});
        directory.wrapper_works = !chance().chance(5);
        shared.directories[label] = directory;
        Guest guest{.obeys = chance().chance(70),
                    .takes = chance().between(milliseconds{50}, seconds{3})};
        guest.survives_quit = chance().chance(5);
        mesh_.estate().set_guest(label, guest);
        labels_.push_back(label);
    }
}

void RandomLife::build_workers(std::size_t count) {
    auto* shared = mesh_.estate().find_storage("shared");
    Machine* last = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        const bool beside = last != nullptr && chance().chance(20);
        auto& machine =
            beside ? *last : mesh_.estate().add_machine(mesh_.promises, fmt::format("m{}", i));
        last = &machine;
        auto& local = mesh_.estate().add_storage(fmt::format("local{}", i), chance().id<PoolId>());
        const auto label = fmt::format("own{}", i);
        local.directories[label] =
            Directory{.uuid = chance().id<VmId>(), .label = label, .grace = {}};
        labels_.push_back(label);
        const auto name = fmt::format("w{}", i);
        auto& agent = mesh_.add_agent(machine, name, {{"/p/shared", shared}, {"/p/local", &local}});
        agent.plan().spool_limit = 24 * 1024;
    }
}

void RandomLife::build() {
    mesh_.estate().slow_wrappers = true;
    build_storage(2 + chance().below(4));
    build_workers(2 + chance().below(3));
    mesh_.broker.start();
    for (const auto& agent : mesh_.agents) {
        agent->restart_in(chance().between(Duration{0}, milliseconds{500}));
    }
    mesh_.add_tool("ann", Role::Admin).watch(msg::WatchFrom::Beginning);
    mesh_.add_tool("bob", Role::Operator).watch(msg::WatchFrom::Now);
    mesh_.add_tool("eve", Role::Viewer);
}

void RandomLife::plan_order() {
    if (over_) return;
    order();
    mesh_.ground.schedule.after(chance().between(milliseconds{50}, seconds{4}),
                                [this] { plan_order(); });
}

void RandomLife::plan_fault() {
    if (over_) return;
    mesh_.ground.schedule.after(chance().between(seconds{1}, seconds{25}), [this] {
        if (!over_) fault();
        plan_fault();
    });
}

void RandomLife::order() {
    auto& tool = *mesh_.tools[chance().below(10) < 6 ? 0 : 1 + chance().below(2)];
    const auto die = chance().below(100);
    if (die < 68) {
        order_action(tool);
    } else if (die < 80) {
        tool.ask({.table = chance().chance(50) ? Table::Vms : Table::Workers,
                  .address = {},
                  .filters = {}});
    } else if (die < 84 && !actions_.empty()) {
        tool.cancel(chance().pick(actions_));
    } else if (die < 85) {
        mesh_.fence(tool, chance().pick(mesh_.agents)->name());
    } else {
        surprise();
    }
}

void RandomLife::order_action(SimTool& tool) {
    static constexpr std::array verbs{Verb::Start,
                                      Verb::Start,
                                      Verb::Start,
                                      Verb::Start,
                                      Verb::Shutdown,
                                      Verb::Shutdown,
                                      Verb::Kill,
                                      Verb::Pause,
                                      Verb::Resume,
                                      Verb::Reset,
                                      Verb::Reboot,
                                      Verb::Scan};
    Action action{.verb = verbs[chance().below(verbs.size())]};
    const auto label = chance().pick(labels_);
    action.target = label;
    if (action.verb == Verb::Scan) action.target = chance().pick(mesh_.agents)->name();
    const bool ends = action.verb == Verb::Shutdown || action.verb == Verb::Reboot;
    if (ends && chance().chance(60)) action.deadline = chance().between(seconds{0}, seconds{30});
    action.force = action.verb == Verb::Shutdown && chance().chance(5);
    if (action.verb == Verb::Start && chance().chance(20)) action.if_running = IfRunning::Reuse;
    if (chance().chance(20)) action.expiry = chance().between(seconds{1}, seconds{10});
    const auto on = action.verb == Verb::Start && chance().chance(30)
                        ? chance().pick(mesh_.agents)->name()
                        : std::string{};
    actions_.push_back(tool.submit(action, label, on, chance().chance(10)));
}

void RandomLife::start_by_hand() {
    auto& agent = *chance().pick(mesh_.agents);
    const auto& mount = agent.plan().mounts[chance().below(2)];
    const auto& [below, directory] = *mount.storage->directories.begin();
    Process process;
    process.vm = directory.uuid;
    process.label = directory.label;
    process.storage = mount.storage;
    process.below = below;
    process.has_monitor = chance().chance(50);
    process.owner = chance().chance(50) ? Owner::ByHand : Owner::Libvirt;
    process.guest = mesh_.estate().guest_of(directory.label);
    if (!mesh_.estate().is_locked(process)) agent.machine().start(std::move(process));
}

/// What guests and people at the console do by themselves.
void RandomLife::surprise() {
    const auto [machine, process] = mesh_.estate().find_process(chance().pick(labels_));
    const auto die = chance().below(100);
    if (die < 15) return start_by_hand();
    if (die < 30 && !process)
        return chance().pick(mesh_.agents)->start_by_hand(chance().pick(labels_));
    if (!process) return;
    if (die < 45) return machine->shutdown_guest(process);
    if (die < 60) return machine->crash(process);
    if (die < 85) return machine->reset_guest(process);
    if (!process->managed) return machine->crash(process);
}

void RandomLife::fault() {
    const auto die = chance().below(100);
    if (die < 25) return fault_of_broker();
    if (die < 50) return fault_of_network();
    fault_of_agent(*chance().pick(mesh_.agents));
}

/// A supervisor starts it again at once, and people do not stop asking meanwhile.
void RandomLife::restart_broker() {
    mesh_.ground.on_fault("broker-restart");
    mesh_.broker.crash();
    const auto span = chance().between(milliseconds{1}, milliseconds{1500});
    mesh_.ground.schedule.after(span, [this] { mesh_.broker.start(); });
    for (int i = 0; i < 4; ++i) {
        mesh_.ground.schedule.after(chance().between(Duration{0}, 2 * span), [this] {
            if (!over_) order_action(*mesh_.tools[chance().below(2)]);
        });
    }
}

void RandomLife::fault_of_broker() {
    if (chance().chance(25)) return restart_broker();
    const auto span = chance().between(milliseconds{50}, seconds{15});
    if (chance().chance(60)) {
        mesh_.ground.on_fault("broker-crash");
        if (chance().chance(50)) {
            mesh_.broker.crash();
        } else {
            mesh_.broker.crash_at_commit();
        }
        mesh_.ground.schedule.after(span, [this] { mesh_.broker.start(); });
    } else if (chance().chance(50)) {
        mesh_.ground.on_fault("commit-failure");
        mesh_.broker.fail_commits(true);
        mesh_.ground.schedule.after(span, [this] { mesh_.broker.fail_commits(false); });
    } else {
        mesh_.ground.on_fault("retention");
        const auto [oldest, newest] = mesh_.broker.store().range();
        mesh_.broker.trim(oldest + (newest - oldest) / 2);
    }
}

void RandomLife::fault_of_network() {
    const auto span = chance().between(milliseconds{200}, seconds{25});
    if (chance().chance(20)) {
        mesh_.ground.on_fault("slow-network");
        mesh_.network.set_delay(milliseconds{1}, milliseconds{800});
        mesh_.ground.schedule.after(span, [this] {
            mesh_.network.set_delay(std::chrono::microseconds{200}, milliseconds{3});
        });
        return;
    }
    const bool of_tool = chance().chance(20);
    const auto name =
        of_tool ? chance().pick(mesh_.tools)->name() : chance().pick(mesh_.agents)->name();
    mesh_.ground.on_fault(of_tool ? "tool-cut-off" : "worker-cut-off");
    mesh_.ground.tell([&] { return fmt::format("{} is cut off", name); });
    mesh_.network.cut(name, chance().between(Duration{0}, seconds{8}), chance().chance(50));
    mesh_.ground.schedule.after(span, [this, name] { mesh_.network.heal(name); });
}

void RandomLife::fault_of_agent(SimAgent& agent) {
    const auto span = chance().between(milliseconds{50}, seconds{14});
    const auto die = chance().below(100);
    if (die < 45) {
        mesh_.ground.on_fault("agent-crash");
        agent.crash();
        if (chance().chance(8)) {
            mesh_.ground.on_fault("spool-lost");
            mesh_.promises.on_stream_lost(agent.name());
            agent.wipe_spool();
        }
        agent.restart_in(span);
    } else if (die < 65) {
        mesh_.ground.on_fault("agent-frozen");
        agent.freeze();
        mesh_.ground.schedule.after(span, [&agent] { agent.thaw(); });
    } else if (die < 75) {
        mesh_.ground.on_fault("spool-failure");
        agent.fail_spool(true);
        mesh_.ground.schedule.after(span, [&agent] { agent.fail_spool(false); });
    } else if (die < 85) {
        mesh_.ground.on_fault("machine-reboot");
        mesh_.reboot(agent.machine(), span + seconds{1});
    } else {
        mesh_.ground.on_fault("chatter");
        agent.chatter(200 + chance().below(600));
    }
}

Verdict RandomLife::verdict(std::uint64_t seed) const {
    Verdict verdict{.seed = seed,
                    .digest = mesh_.ground.digest(),
                    .inputs = mesh_.ground.inputs(),
                    .fault_kinds = mesh_.ground.faults(),
                    .events = mesh_.broker.store().range().second,
                    .actions = mesh_.broker.store().actions().size(),
                    .violations = mesh_.ground.violations()};
    for (const auto& [kind, count] : verdict.fault_kinds) {
        verdict.faults += count;
    }
    return verdict;
}

} // namespace

Verdict live_through(std::uint64_t seed, bool tells, Mutant mutant) {
    RandomLife life{seed, tells, mutant};
    return life.run(seed);
}

Verdict live_twice(std::uint64_t seed, Mutant mutant) {
    auto first = live_through(seed, /*tells=*/false, mutant);
    const auto second = live_through(seed, /*tells=*/false, mutant);
    if (first.digest != second.digest)
        first.violations.insert("P9: the same seed gives two different lives");
    return first;
}

} // namespace ctys::sim
