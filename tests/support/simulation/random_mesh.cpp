#include "tests/support/simulation/random_mesh.h"

namespace ctys::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration storm{seconds{200}}; // orders and faults
/// Longer than the patience of a shutdown without a deadline, and than every retry.
constexpr Duration rest{seconds{260}};
constexpr int most_levels = 4;
constexpr Duration settling{seconds{15}}; // what was waited for has come, or is lost

class RandomLife {
public:
    RandomLife(std::uint64_t seed, bool tells, Mutant mutant) : mesh_(seed, tells, mutant) {}

    Verdict run(std::uint64_t seed) {
        build(seed);
        mesh_.run_for(seconds{2});
        plan_order();
        plan_fault();
        plan_carriers();
        plan_stacks();
        mesh_.run_for(storm);
        over_ = true;
        mesh_.mend();
        mesh_.run_for(settling);
        for (const auto& id : rises_) {
            mesh_.tools.front()->cancel(id);
        }
        mesh_.run_for(rest);
        // One level of a stack waits for the other, each as long as a shutdown may.
        for (int level = 1; level < most_levels && has_open_plan(); ++level) {
            mesh_.run_for(rest);
        }
        check_rest(mesh_);
        return verdict(seed);
    }

private:
    [[nodiscard]] bool has_open_plan() const {
        const auto& plans = mesh_.broker.store().plans();
        const auto& actions = mesh_.broker.store().actions();
        return std::any_of(plans.begin(), plans.end(), [&](const auto& item) {
            const auto action = actions.find(item.first);
            return action != actions.end() && action->second.state != ActionState::Ended;
        });
    }
    Random& chance() { return mesh_.ground.random; }

    void build(std::uint64_t seed);
    void build_inside(const std::string& label, SimAgent& host);
    void build_storage(std::size_t count);
    void build_workers(std::size_t count);
    void plan_order();
    void plan_fault();
    void order();
    void order_action(SimTool& tool);
    void surprise();
    void start_by_hand() { start_by_hand_on(*chance().pick(mesh_.agents)); }
    void start_by_hand_on(SimAgent& agent);
    void plan_carriers();
    void plan_stacks();
    void order_stack();
    void order_ending(SimTool& tool);
    void vex_plan(ActionId plan, const std::string& label, bool of_self);
    void vex_carrier(const std::string& label);
    void fault();
    void fault_of_broker();
    void restart_broker();
    void fault_of_network();
    void fault_of_agent(SimAgent& agent);
    [[nodiscard]] Verdict verdict(std::uint64_t seed) const;

    SimMesh mesh_;
    bool over_ = false;
    std::vector<std::string> labels_;
    std::vector<std::string> carriers_; ///< labels of VMs that are machines
    std::vector<ActionId> actions_;
    std::vector<ActionId> stacks_; ///< plans that end, as far as they were begun
    std::vector<ActionId> rises_;  ///< and those that start: each level may take ten minutes
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
        guest.saves = chance().between(milliseconds{50}, seconds{8});
        guest.fails_to_save = chance().chance(15);
        if (chance().chance(15)) shared.directories[label].format = "raw";
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

/// A VM of the host's that is a machine with an agent and a VM of its own.
void RandomLife::build_inside(const std::string& label, SimAgent& host) {
    auto& disks = mesh_.estate().add_storage("disks-" + label, chance().id<PoolId>());
    Directory directory{.uuid = chance().id<VmId>(), .label = label, .grace = {}};
    disks.directories[label] = directory;
    mesh_.estate().set_guest(label,
                             Guest{.obeys = chance().chance(80),
                                   .takes = chance().between(milliseconds{500}, seconds{5})});
    labels_.push_back(label);
    carriers_.push_back(label);
    host.plan().mounts.push_back({"/p/disks", &disks});
    auto& machine =
        mesh_.add_inside("in-" + label, directory.uuid, chance().between(seconds{3}, seconds{6}));
    auto& local = mesh_.estate().add_storage("local-" + label, chance().id<PoolId>());
    const auto own = "own-" + label;
    local.directories[own] = Directory{.uuid = chance().id<VmId>(), .label = own, .grace = {}};
    labels_.push_back(own);
    auto* shared = mesh_.estate().find_storage("shared");
    auto& agent =
        mesh_.add_agent(machine, "w-" + label, {{"/p/shared", shared}, {"/p/local", &local}});
    agent.plan().spool_limit = 24 * 1024;
}

void RandomLife::build(std::uint64_t seed) {
    mesh_.estate().slow_wrappers = true;
    build_storage(2 + chance().below(4));
    build_workers(2 + chance().below(3));
    if (seed % 3 == 0) {
        build_inside("l1", *mesh_.agents.front());
        if (seed % 2 == 0) build_inside("l2", *mesh_.agents.back());
    }
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

void RandomLife::plan_carriers() {
    if (over_ || carriers_.empty()) return;
    vex_carrier(chance().pick(carriers_));
    mesh_.ground.schedule.after(chance().between(milliseconds{200}, seconds{9}),
                                [this] { plan_carriers(); });
}

/// VMs that carry are kept running and busy, and are then treated badly.
void RandomLife::vex_carrier(const std::string& label) {
    auto& ann = *mesh_.tools.front();
    const auto ask = [&](Verb verb, const std::string& target, const std::string& on = {}) {
        actions_.push_back(ann.submit(Action{.verb = verb, .target = target}, target, on, false));
    };
    const auto [machine, process] = mesh_.estate().find_process(label);
    if (!process) return ask(Verb::Start, label);
    if (process->state == VmState::Paused) return ask(Verb::Resume, label);
    const auto die = chance().below(100);
    if (die < 60)
        return ask(Verb::Start, die < 30 ? "own-" + label : chance().pick(labels_), "w-" + label);
    if (die < 75) return ask(Verb::Pause, label);
    if (die < 85 || machine->is_frozen()) return;
    mesh_.ground.on_fault("carrier-ended");
    if (die < 93) return machine->kill(process);
    machine->reset_guest(process);
}

void RandomLife::plan_stacks() {
    if (over_ || carriers_.empty()) return;
    mesh_.ground.schedule.after(chance().between(seconds{4}, seconds{20}), [this] {
        if (!over_) order_stack();
        plan_stacks();
    });
}

/// Orders that become plans, and what crosses them.
void RandomLife::order_stack() {
    auto& tool = *mesh_.tools[chance().below(2)];
    const auto die = chance().below(100);
    const auto label = chance().pick(carriers_);
    if (die < 60) return order_ending(tool);
    Action action{.target = label};
    std::string on;
    if (die < 72) {
        action.verb = chance().chance(50) ? Verb::Pause : Verb::Resume;
    } else if (die < 86 || stacks_.empty()) {
        action.stack = true;
        action.target = "own-" + label;
        on = "w-" + label;
    } else if (die < 94) {
        action.target = "*";
        action.like_before = chance().pick(stacks_);
    } else {
        return tool.cancel(chance().pick(stacks_));
    }
    action.width = static_cast<std::uint32_t>(chance().below(3));
    const auto target = action.target;
    const bool is_rise = action.verb == Verb::Start;
    actions_.push_back(tool.submit(std::move(action), target, on, chance().chance(10), true));
    if (is_rise) rises_.push_back(actions_.back());
}

void RandomLife::order_ending(SimTool& tool) {
    const auto label = chance().pick(carriers_);
    Action action{.verb = chance().chance(85) ? Verb::Shutdown : Verb::Kill, .target = label};
    if (chance().chance(30)) {
        action.verb = chance().chance(70) ? Verb::Reboot : Verb::Reset;
        action.no_restore = chance().chance(20);
    }
    const auto die = chance().below(100);
    if (die >= 20 && die < 38) {
        // Of machines that are VMs: hardware that is off stays so.
        action.target = "w:w-" + label;
        action.self = true;
        if (action.verb == Verb::Kill) action.verb = Verb::Shutdown;
    }
    if (die < 20) action.target = "w:" + chance().pick(mesh_.agents)->name();
    if (die < 4) action.target = "*";
    if (action.verb != Verb::Kill && chance().chance(60))
        action.deadline =
            chance().chance(10) ? Duration{0} : chance().between(seconds{5}, seconds{150});
    action.shrink = chance().chance(70);
    action.cut_unaskable = chance().chance(40);
    action.width = static_cast<std::uint32_t>(chance().below(3));
    action.dry_run = chance().chance(8);
    const bool is_dry = action.dry_run;
    const bool raises = is_rebooting(action.verb);
    const bool is_self = action.self;
    const auto target = action.target;
    const auto id = tool.submit(std::move(action), target, {}, chance().chance(10), true);
    if (is_dry) return;
    actions_.push_back(id);
    stacks_.push_back(id);
    if (raises) rises_.push_back(id);
    vex_plan(id, label, is_self);
}

/// What may happen to a plan while it runs.
void RandomLife::vex_plan(ActionId plan, const std::string& label, bool of_self) {
    const auto soon = [&](unsigned percent, std::function<void()> deed) {
        if (!chance().chance(percent)) return;
        mesh_.ground.schedule.after(chance().between(std::chrono::milliseconds{20}, seconds{4}),
                                    [this, deed = std::move(deed)] {
                                        if (!over_) deed();
                                    });
    };
    // Plans that end a machine itself are few.
    soon(of_self ? 70 : 25, [this] { restart_broker(); });
    soon(15, [this, plan] { mesh_.tools.front()->cancel(plan); });
    soon(8, [this, plan] { // and nobody has answered yet when the broker goes
        mesh_.tools.front()->cancel(plan);
        mesh_.ground.schedule.after(chance().between(milliseconds{2}, milliseconds{12}),
                                    [this] { restart_broker(); });
    });
    soon(20, [this, label] { // a newcomer that asks nobody
        if (auto* agent = mesh_.find_agent("w-" + label); agent != nullptr)
            start_by_hand_on(*agent);
    });
    soon(20, [this, label] { // and one that does
        Action start{.verb = Verb::Start, .target = "own-" + label};
        actions_.push_back(
            mesh_.tools.front()->submit(start, "own-" + label, "w-" + label, /*doubled=*/false));
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
                                      Verb::Suspend,
                                      Verb::Suspend,
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
    if (action.verb == Verb::Suspend && chance().chance(30))
        action.deadline = chance().between(milliseconds{200}, seconds{5});
    if (action.verb == Verb::Start && chance().chance(20)) action.if_running = IfRunning::Reuse;
    if (action.verb == Verb::Start && chance().chance(5)) action.discard_state = true;
    if (chance().chance(20)) action.expiry = chance().between(seconds{1}, seconds{10});
    const auto on = action.verb == Verb::Start && chance().chance(30)
                        ? chance().pick(mesh_.agents)->name()
                        : std::string{};
    actions_.push_back(tool.submit(action, label, on, chance().chance(10)));
}

void RandomLife::start_by_hand_on(SimAgent& agent) {
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
    auto& machine = agent.machine();
    if (!machine.is_up() || machine.is_frozen()) return;
    if (!mesh_.estate().is_locked(process)) machine.start(std::move(process));
}

/// What guests and people at the console do by themselves.
void RandomLife::surprise() {
    const auto [machine, process] = mesh_.estate().find_process(chance().pick(labels_));
    const auto die = chance().below(100);
    if (die < 15) return start_by_hand();
    if (die < 30 && !process)
        return chance().pick(mesh_.agents)->start_by_hand(chance().pick(labels_));
    if (!process || machine->is_frozen()) return;
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
    } else if (chance().chance(50)) {
        mesh_.ground.on_fault("broker-frozen");
        mesh_.broker.freeze();
        mesh_.ground.schedule.after(span, [this] { mesh_.broker.thaw(); });
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
    const auto noticed = chance().between(Duration{0}, seconds{8}); // one draw behind the other
    mesh_.network.cut(name, noticed, chance().chance(50));
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
