#pragma once

#include "broker/core/inventory.h"
#include "broker/core/write.h"

#include <map>
#include <set>
#include <tuple>

namespace ctys::broker {

/// What would else need a walk over every VM: which VMs a worker has to do with, how many run, what
/// ended long ago. Kept in step with every write, made from the store once in the life of a core.
/// Its numbers are of what is decided: a commit ahead of what is durable.
class RowIndex {
public:
    struct Counts {
        std::uint64_t vms = 0; ///< with a configuration, or running
        std::uint64_t running = 0;
        std::uint64_t conflicts = 0;

        bool operator==(const Counts&) const = default;
    };
    using Gone = std::tuple<WallTime, VmId, InstanceKey>;

    void load(const InventoryView& inventory);
    void apply(const Write& write);

    /// VMs with a path or an instance of the worker, and perhaps some that had one.
    [[nodiscard]] std::vector<VmId> vms_of(const WorkerId& worker) const;
    /// Of those the ones that run somewhere.
    [[nodiscard]] std::vector<VmId> live_vms_of(const WorkerId& worker) const;
    /// All that run.
    [[nodiscard]] std::vector<VmId> live_vms() const;
    /// All that do not run and have ended with their state on disk at least once lately.
    [[nodiscard]] std::vector<VmId> asleep_vms() const;
    /// The worker has rows of these VMs and of no others.
    void replace(const WorkerId& worker, std::set<VmId> vms);
    [[nodiscard]] const Counts& counts() const { return counts_; }
    /// What firmware shows the guest as its own UUID; that of a copy is its original's.
    [[nodiscard]] Uuid platform_of(const VmId& vm) const;
    /// The copies of a VM that are known.
    [[nodiscard]] const std::set<VmId>& copies_of(const VmId& vm) const;
    /// Instances of nobody's that ended before, oldest first.
    [[nodiscard]] std::vector<Gone> gone_before(WallTime time, std::size_t limit) const;

private:
    void on_vm(const VmRecord& vm);
    void set_original(const VmId& vm, const VmId& original);
    void on_instance(const InstanceRecord& instance);
    void on_erased(const VmId& vm, const InstanceKey& key);
    void set_asleep(const VmId& vm, const InstanceKey& key, bool is_asleep);
    /// Adds (or takes back) what one VM counts for.
    void count(const VmId& vm, int sign);

    std::map<WorkerId, std::set<VmId>> of_worker_;
    std::map<VmId, bool> is_foreign_; ///< every VM
    std::map<VmId, VmId> original_;   ///< of copies
    std::map<VmId, std::set<VmId>> copies_;
    std::map<VmId, std::set<InstanceKey>> live_;
    std::map<VmId, std::set<InstanceKey>> asleep_; ///< ended with their state on disk
    std::map<std::pair<VmId, InstanceKey>, WallTime> gone_at_;
    std::set<Gone> gone_;
    Counts counts_;
};

} // namespace ctys::broker
