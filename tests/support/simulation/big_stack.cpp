#include "tests/support/simulation/big_stack.h"

#include "tests/support/simulation/sim_mesh.h"

#include <limits>

namespace ctys::sim {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t levels = 4;
constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

class BigStack {
public:
    explicit BigStack(std::uint64_t seed) : mesh_(seed, /*tells=*/false) {
        auto tell = std::move(mesh_.promises.tell_fate);
        mesh_.promises.tell_fate = [this, tell = std::move(tell)](const auto& process, Fate fate) {
            note(process, fate);
            tell(process, fate);
        };
    }

    StackFigures run(std::size_t least) {
        while (count(breadth_) < least) {
            ++breadth_;
        }
        mesh_.broker.start();
        auto& rack = mesh_.estate().add_machine(mesh_.promises, "rack");
        fill(rack, "rack", 0, nobody);
        mesh_.add_tool("ann", Role::Admin);
        for (const auto& agent : mesh_.agents) {
            agent->restart_in(mesh_.ground.random.between(Duration{0}, seconds{2}));
        }
        StackFigures figures{.vms = vms_.size(), .workers = mesh_.agents.size(), .violations = {}};
        for (int i = 0; i < 60 && live() < vms_.size(); ++i) {
            mesh_.run_for(seconds{1});
        }
        if (live() < vms_.size()) mesh_.ground.broken("inventory", "not all VMs are known");
        end(figures);
        figures.longest = longest();
        for (const auto& vm : vms_) {
            if (vm.over != Instant{}) ++figures.ended;
        }
        figures.violations = mesh_.ground.violations();
        return figures;
    }

private:
    struct Vm {
        std::size_t carrier = nobody;
        Instant asked;
        Instant over;
    };

    static std::size_t count(std::size_t breadth) {
        std::size_t sum = 0;
        for (std::size_t level = 0, row = breadth; level < levels; ++level, row *= breadth) {
            sum += row;
        }
        return sum;
    }

    void fill(Machine& machine, const std::string& name, std::size_t level, std::size_t carrier);
    void end(StackFigures& figures);
    void note(const Process& process, Fate fate);
    [[nodiscard]] std::size_t live() const;
    [[nodiscard]] Duration longest() const;

    SimMesh mesh_;
    std::size_t breadth_ = 1;
    std::vector<Vm> vms_; ///< each after what carries it
    std::map<VmId, std::size_t> by_id_;
};

/// An agent on the machine, and VMs that run there since before it began.
void BigStack::fill(Machine& machine,
                    const std::string& name,
                    std::size_t level,
                    std::size_t carrier) {
    auto& random = mesh_.ground.random;
    auto& disks = mesh_.estate().add_storage("disks-" + name, random.id<PoolId>());
    disks.has_locks = false; // looking for who holds one would cost most of the time
    mesh_.add_agent(machine, name, {{"/p/disks", &disks}});
    for (std::size_t i = 0; i < breadth_; ++i) {
        const auto label = fmt::format("{}-{}", name, i);
        const auto id = random.id<VmId>();
        disks.directories[label] = Directory{.uuid = id, .label = label, .grace = {}};
        mesh_.estate().set_guest(
            label, Guest{.obeys = true, .takes = random.between(milliseconds{500}, seconds{3})});
        by_id_[id] = vms_.size();
        vms_.push_back({.carrier = carrier, .asked = {}, .over = {}});
        const auto own = vms_.size() - 1;
        Machine* inside = nullptr;
        if (level + 1 < levels) inside = &mesh_.add_inside(label, id, Duration{0});
        Process process;
        process.vm = id;
        process.label = label;
        process.config = fmt::format("/p/disks/{}/{}.ctys", label, label);
        process.storage = &disks;
        process.below = label;
        process.managed = true;
        process.owner = Owner::Ctys;
        process.agent = name;
        process.action = ActionId{random.next() | 1U};
        process.guest = mesh_.estate().guest_of(label);
        (void)machine.command(machine.start(std::move(process)), agent::Monitor::Cont);
        if (inside != nullptr) fill(*inside, label, level + 1, own);
    }
}

void BigStack::note(const Process& process, Fate fate) {
    auto& vm = vms_.at(by_id_.at(process.vm));
    if (fate == Fate::Asked && vm.asked == Instant{}) vm.asked = mesh_.ground.schedule.now();
    if (fate == Fate::Over && vm.over == Instant{}) vm.over = mesh_.ground.schedule.now();
}

void BigStack::end(StackFigures& figures) {
    auto& ground = mesh_.ground;
    const auto begun = ground.schedule.now();
    const auto plan = mesh_.tools.front()->submit(
        Action{.verb = Verb::Shutdown, .target = "w:rack", .width = 10000},
        "rack",
        {},
        false,
        true);
    bool is_over = false;
    mesh_.broker.on_recorded = [&](const broker::Append& /*append*/) {
        if (is_over) return;
        const auto found = mesh_.broker.store().actions().find(plan);
        if (found == mesh_.broker.store().actions().end()) return;
        if (found->second.state != ActionState::Ended) return;
        is_over = true;
        figures.wall = ground.schedule.now() - begun;
        if (!found->second.outcome->ok())
            ground.broken("P4", found->second.outcome->error->message);
    };
    for (int i = 0; i < 300 && !is_over; ++i) {
        mesh_.run_for(milliseconds{500});
    }
    mesh_.broker.on_recorded = {};
    if (!is_over) ground.broken("P4", "the plan has no end");
    for (const auto& [correlation, told] : mesh_.tools.front()->told()) {
        if (told.refused) ground.broken("P4", told.refused->message);
    }
}

std::size_t BigStack::live() const {
    std::size_t count = 0;
    for (const auto& row : mesh_.broker.store().all_instances()) {
        if (is_live(row.state) && row.can_ask) ++count;
    }
    return count;
}

Duration BigStack::longest() const {
    std::vector<Duration> inside(vms_.size()); // of the longest chain that it carries
    Duration longest{};
    for (auto i = vms_.size(); i-- > 0;) {
        const auto& vm = vms_[i];
        const auto chain = inside[i] + (vm.over - vm.asked);
        if (vm.carrier == nobody) {
            longest = std::max(longest, chain);
        } else {
            inside[vm.carrier] = std::max(inside[vm.carrier], chain);
        }
    }
    return longest;
}

} // namespace

StackFigures end_big_stack(std::size_t vms, std::uint64_t seed) {
    return BigStack{seed}.run(vms);
}

} // namespace ctys::sim
