#include "broker/core/stack_around.h"

#include "broker/core/placement.h"

#include <algorithm>
#include <map>

namespace ctys::broker {

namespace {

class Collector {
public:
    Collector(const InventoryView& inventory,
              const RowIndex& index,
              const Roster& roster,
              Sleepers sleepers)
        : inventory_(inventory), index_(index), roster_(roster) {
        if (sleepers == Sleepers::LeftOut) return;
        for (const auto& vm : index.asleep_vms()) {
            if (const auto worker = sleeps_on(inventory, vm); !worker.is_none())
                asleep_on_[worker].push_back(vm);
        }
        for (const auto& [worker, vms] : asleep_on_) {
            asleep_.insert(vms.begin(), vms.end());
        }
    }

    void add(const VmId& root) {
        open_.push_back(root);
        while (!open_.empty()) {
            const auto id = open_.back();
            open_.pop_back();
            if (look_at(id)) add_inside(vms_.at(id));
        }
        add_carriers(root);
    }

    void know_worker(const WorkerId& id) {
        if (const auto* member = roster_.find(id)) workers_.emplace(id, &member->record);
    }

    [[nodiscard]] StackGraph graph() const {
        std::vector<StackVm> vms;
        vms.reserve(vms_.size());
        for (const auto& [id, vm] : vms_) {
            vms.push_back(vm);
        }
        std::vector<WorkerRecord> workers;
        workers.reserve(workers_.size());
        for (const auto& [id, worker] : workers_) {
            workers.push_back(*worker);
        }
        return {std::move(vms), workers};
    }

private:
    static Uuid platform_of(const StackVm& vm) {
        return vm.copy_of.is_none() ? vm.vm.uuid : vm.copy_of.uuid;
    }

    /// False: there is no such VM, or its inside was looked at before.
    bool look_at(const VmId& id) { return know(id) && entered_.insert(id).second; }

    bool know(const VmId& id) {
        if (vms_.contains(id)) return true;
        const auto record = inventory_.vm_brief(id);
        if (!record) return false;
        StackVm vm{.vm = id, .copy_of = record->copy_of, .label = record->label};
        vm.grace = record->grace;
        vm.start_after = record->start_after;
        for (const auto& row : inventory_.instances(id)) {
            if (!is_live(row.state)) continue;
            vm.conflict = !vm.worker.is_none();
            vm.worker = row.worker;
            vm.state = row.state;
            vm.can_ask = row.can_ask;
            vm.owner = row.owner;
            vm.guest_agent = row.guest_agent;
        }
        if (vm.worker.is_none() && asleep_.contains(id)) {
            vm.asleep = true;
            vm.state = VmState::Suspended;
            vm.worker = wakes_on(id, sleeps_on(inventory_, id));
        }
        know_worker(vm.worker);
        vms_.emplace(id, std::move(vm));
        return true;
    }

    /// Where it was suspended, unless that is gone for good and another worker has its disks.
    [[nodiscard]] WorkerId wakes_on(const VmId& id, const WorkerId& last) const {
        const auto* member = roster_.find(last);
        if (member != nullptr && member->record.state != WorkerState::Lost) return last;
        for (const auto& path : inventory_.paths(id)) {
            const auto* other = roster_.find(path.worker);
            const bool is_whole =
                path.health == PathHealth::Good || path.health == PathHealth::Stale;
            if (other != nullptr && other->reachable() && path.runnable && is_whole)
                return path.worker;
        }
        return last;
    }

    /// Everybody who says to be this machine, and every VM that could be it.
    void know_claims(const Uuid& platform) {
        // Boards that share one UUID are many, and so are the VMs on them.
        if (!claimed_.insert(platform).second) return;
        const auto& claims = roster_.claims(platform);
        if (claims.empty()) return;
        for (const auto& worker : claims) {
            know_worker(worker);
        }
        know(VmId{platform});
        for (const auto& copy : index_.copies_of(VmId{platform})) {
            know(copy);
        }
    }

    void add_inside(const StackVm& vm) {
        const auto platform = platform_of(vm);
        know_claims(platform);
        for (const auto& worker : roster_.claims(platform)) {
            const auto inner = index_.live_vms_of(worker);
            open_.insert(open_.end(), inner.begin(), inner.end());
            if (const auto asleep = asleep_on_.find(worker); asleep != asleep_on_.end())
                open_.insert(open_.end(), asleep->second.begin(), asleep->second.end());
        }
    }

    void add_carriers(const VmId& root) {
        std::set<WorkerId> way;
        for (auto at = vms_.find(root); at != vms_.end();) {
            const auto* member = roster_.find(at->second.worker);
            if (member == nullptr || !way.insert(member->record.id).second) return;
            const auto& platform = member->record.platform;
            if (!platform.identifies()) return;
            know_claims(platform);
            at = vms_.find(VmId{platform});
        }
    }

    const InventoryView& inventory_;
    const RowIndex& index_;
    const Roster& roster_;
    std::map<WorkerId, std::vector<VmId>> asleep_on_; ///< by where they were suspended
    std::set<VmId> asleep_;
    std::map<VmId, StackVm> vms_;
    std::map<WorkerId, const WorkerRecord*> workers_;
    std::set<Uuid> claimed_; ///< platforms whose claims are known
    std::set<VmId> entered_; ///< what they carry is known
    std::vector<VmId> open_;
};

} // namespace

WorkerId sleeps_on(const InventoryView& inventory, const VmId& vm) {
    const auto rows = inventory.instances(vm);
    if (!is_suspended_to_disk(rows)) return {};
    return std::max_element(rows.begin(),
                            rows.end(),
                            [](const auto& a, const auto& b) { return a.since < b.since; })
        ->worker;
}

StackGraph stack_around(const InventoryView& inventory,
                        const RowIndex& index,
                        const Roster& roster,
                        const std::vector<VmId>& vms,
                        const WorkerId& worker,
                        Sleepers sleepers) {
    Collector collector(inventory, index, roster, sleepers);
    for (const auto& vm : vms) {
        collector.add(vm);
    }
    collector.know_worker(worker);
    return collector.graph();
}

} // namespace ctys::broker
