// The overlay over LMDB against the slow, obvious answer: maps that hold what was decided.

#include "broker/core/overlay.h"
#include "broker/storage/broker_store.h"
#include "tests/support/samples.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <random>

using namespace ctys;
using namespace ctys::broker;
using namespace ctys::support;

namespace {

constexpr WallTime opened{1'772'373'726'000'000};
constexpr unsigned vms = 12;
constexpr unsigned workers = 3;

/// Everything that was decided, durable or not.
struct Model {
    std::map<VmId, VmRecord> vms;
    std::map<std::pair<VmId, std::pair<WorkerId, std::string>>, PathRecord> paths;
    std::map<std::pair<VmId, InstanceKey>, InstanceRecord> instances;

    void apply(const Write& write) {
        if (const auto* put = std::get_if<Put>(&write)) {
            if (const auto* vm = std::get_if<VmRecord>(put->record.get())) vms[vm->id] = *vm;
            if (const auto* path = std::get_if<PathRecord>(put->record.get()))
                paths[{path->vm, {path->worker, path->config}}] = *path;
            if (const auto* row = std::get_if<InstanceRecord>(put->record.get()))
                instances[{row->vm, row->key}] = *row;
        } else if (const auto* vm = std::get_if<EraseVm>(&write)) {
            vms.erase(vm->vm);
        } else if (const auto* path = std::get_if<ErasePath>(&write)) {
            paths.erase({path->vm, {path->worker, path->config}});
        } else if (const auto* row = std::get_if<EraseInstance>(&write)) {
            instances.erase({row->vm, row->key});
        }
    }
    template <typename Rows>
    [[nodiscard]] auto of(const Rows& rows, const VmId& vm) const {
        std::vector<typename Rows::mapped_type> found;
        for (const auto& [key, row] : rows) {
            if (key.first == vm) found.push_back(row);
        }
        return found;
    }
    /// As the core writes: nothing belongs to a VM that is not there.
    [[nodiscard]] bool accepts(const Write& write) const {
        if (const auto* put = std::get_if<Put>(&write)) {
            const auto* path = std::get_if<PathRecord>(put->record.get());
            const auto* row = std::get_if<InstanceRecord>(put->record.get());
            if (path != nullptr) return vms.contains(path->vm);
            return row == nullptr || vms.contains(row->vm);
        }
        const auto* vm = std::get_if<EraseVm>(&write);
        return vm == nullptr || (of(paths, vm->vm).empty() && of(instances, vm->vm).empty());
    }
    template <typename Holds>
    [[nodiscard]] std::vector<VmId> ids(Holds holds) const {
        std::vector<VmId> found;
        for (const auto& [id, vm] : vms) {
            if (holds(vm)) found.push_back(id);
        }
        return found;
    }
    [[nodiscard]] RowIndex::Counts counts() const {
        RowIndex::Counts counts;
        std::map<VmId, unsigned> live;
        for (const auto& [key, row] : instances) {
            if (is_live(row.state)) ++live[key.first];
        }
        for (const auto& [id, vm] : vms) {
            if (!vm.foreign || live.contains(id)) ++counts.vms;
        }
        for (const auto& [id, count] : live) {
            ++counts.running;
            if (count > 1) ++counts.conflicts;
        }
        return counts;
    }
};

class Chance {
public:
    explicit Chance(std::uint64_t seed) : engine_(seed) {}
    unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }

private:
    std::mt19937_64 engine_;
};

VmId any_vm(Chance& chance) {
    return {samples::uuid(1 + chance.below(vms))};
}

InstanceKey any_key(Chance& chance) {
    return {.boot = {samples::uuid(200)}, .pid = 1 + chance.below(3), .start_ticks = 5};
}

Write any_write(Chance& chance) {
    const auto put = [](Record record) {
        return Put{std::make_shared<const Record>(std::move(record))};
    };
    const WorkerId worker{samples::uuid(100 + chance.below(workers))};
    const auto config = "/pool/" + std::to_string(chance.below(2));
    switch (chance.below(8)) {
    case 0:
    case 1: {
        auto vm = samples::vm();
        vm.id = any_vm(chance);
        vm.label = "vm" + std::to_string(chance.below(4));
        vm.macs = {"52:54:00:00:00:0" + std::to_string(chance.below(4))};
        vm.ips = {"10.0.0." + std::to_string(chance.below(4))};
        vm.foreign = chance.below(3) == 0;
        return put(vm);
    }
    case 2:
    case 3: {
        auto path = samples::path();
        path.vm = any_vm(chance);
        path.worker = worker;
        path.config = config;
        path.config_digest = chance.below(1000);
        return put(path);
    }
    case 4: {
        auto row = samples::instance();
        row.vm = any_vm(chance);
        row.worker = worker;
        row.key = any_key(chance);
        row.managed = chance.below(2) == 0;
        const bool runs = chance.below(2) == 0;
        row.state = runs ? VmState::Running : row.managed ? VmState::Stopped : VmState::Gone;
        if (runs) row.ended.reset();
        return put(row);
    }
    case 5:
        return EraseVm{any_vm(chance)};
    case 6:
        return ErasePath{any_vm(chance), worker, config};
    default:
        return EraseInstance{any_vm(chance), any_key(chance)};
    }
}

void compare(const Overlay& overlay, const Model& model) {
    for (unsigned number = 1; number <= vms; ++number) {
        const VmId id{samples::uuid(number)};
        const auto found = overlay.vm(id);
        const auto expected = model.vms.find(id);
        REQUIRE((found != nullptr) == (expected != model.vms.end()));
        if (found) REQUIRE(*found == expected->second);
        REQUIRE(overlay.paths(id) == model.of(model.paths, id));
        REQUIRE(overlay.instances(id) == model.of(model.instances, id));
    }
    std::vector<VmId> walked;
    overlay.each_vm(VmId{}, [&](const VmRecord& vm) {
        walked.push_back(vm.id);
        return true;
    });
    REQUIRE(walked == model.ids([](const VmRecord&) { return true; }));
    const auto label = std::string{"vm2"};
    REQUIRE(overlay.by_label(label) ==
            model.ids([&](const auto& vm) { return vm.label == label; }));
    REQUIRE(overlay.by_mac("52:54:00:00:00:01") ==
            model.ids([](const auto& vm) { return vm.macs.front() == "52:54:00:00:00:01"; }));
    REQUIRE(overlay.by_ip("10.0.0.3") ==
            model.ids([](const auto& vm) { return vm.ips.front() == "10.0.0.3"; }));
    REQUIRE(overlay.index().counts() == model.counts());
    for (unsigned number = 0; number < workers; ++number) {
        const WorkerId worker{samples::uuid(100 + number)};
        const auto led = overlay.index().vms_of(worker);
        for (const auto& [key, path] : model.paths) {
            if (path.worker != worker) continue;
            REQUIRE(std::find(led.begin(), led.end(), path.vm) != led.end());
        }
        for (const auto& [key, row] : model.instances) {
            if (row.worker != worker) continue;
            REQUIRE(std::find(led.begin(), led.end(), row.vm) != led.end());
        }
    }
}

} // namespace

TEST_CASE("an overlay over a store that lags behind tells what was decided", "[broker]") {
    const auto seed = GENERATE(std::uint64_t{1}, 2, 3, 4);
    CAPTURE(seed);
    Chance chance{seed};
    TemporaryDirectory dir;
    auto store = BrokerStore::open(dir.path(), opened, {.durability = store::Durability::Lazy});
    REQUIRE(store);
    auto overlay = std::make_unique<Overlay>(**store);
    Model model;
    std::deque<Commit> waiting;
    std::uint64_t batch = 0;
    std::uint64_t known = 0; ///< the last batch the overlay was told of

    for (unsigned step = 0; step < 1500; ++step) {
        CAPTURE(step);
        Commit commit{.batch = ++batch, .writes = {}, .release = {}};
        for (auto count = 1 + chance.below(3); count > 0; --count) {
            auto write = any_write(chance);
            if (!model.accepts(write)) continue;
            commit.writes.push_back(std::move(write));
            overlay->apply(commit.writes.back(), batch);
            model.apply(commit.writes.back());
        }
        waiting.push_back(std::move(commit));
        // The writer is up to several batches behind, and the core learns of it later still.
        while (waiting.size() > chance.below(8)) {
            const auto count = 1 + chance.below(static_cast<unsigned>(waiting.size()));
            std::vector<Commit> some{waiting.begin(), waiting.begin() + count};
            REQUIRE((*store)->commit(some));
            known = some.back().batch;
            waiting.erase(waiting.begin(), waiting.begin() + count);
        }
        if (chance.below(3) == 0) overlay->committed(known);
        if (step % 5 == 0) compare(*overlay, model);
        if (chance.below(200) == 0 && waiting.empty())
            overlay = std::make_unique<Overlay>(**store); // another life
    }
    compare(*overlay, model);
    CHECK(batch == 1500);
}
