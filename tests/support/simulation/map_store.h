#pragma once

#include "broker/core/core.h"

#include <map>

namespace ctys::sim {

/// The broker's store over std::map: what is in it is durable. The simulated writer decides when
/// that is; whatever it had not committed at a crash was never here.
class MapStore final : public broker::InventoryView, public broker::JournalView {
public:
    MapStore(std::uint64_t epoch, WallTime created) : epoch_(epoch), last_recorded_(created) {}

    /// Applies all writes of one step. False, and nothing is changed, when they would leave a hole
    /// in the journal.
    [[nodiscard]] bool commit(const std::vector<broker::Write>& writes);
    /// Retention: nobody reads events before this sequence any more, except who judges.
    void trim(std::uint64_t before);
    /// The store was put back from a backup: what it holds is the same, the epoch is another one.
    void begin_epoch(std::uint64_t epoch) {
        epoch_ = epoch;
        doubtful_ = true;
        last_token_ += std::uint64_t{1} << 20U;
    }
    /// A damaged record: its bytes are gone.
    void damage(std::uint64_t sequence) { journal_.at(sequence).event = nullptr; }
    /// A record that is not there at all.
    void lose(std::uint64_t sequence) { journal_.erase(sequence); }

    /// What a restarted broker finds. Every record goes through its codec, as on disk.
    [[nodiscard]] broker::Loaded load() const;
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    [[nodiscard]] const std::map<VmId, Lease>& leases() const { return leases_; }
    [[nodiscard]] const std::map<ActionId, ActionRecord>& actions() const { return actions_; }
    [[nodiscard]] const std::map<WorkerId, WorkerRecord>& workers() const { return workers_; }
    [[nodiscard]] const std::map<ActionId, PlanRecord>& plans() const { return plans_; }
    [[nodiscard]] const std::map<std::pair<ActionId, std::uint32_t>, PlanStepRecord>&
    plan_steps() const {
        return plan_steps_;
    }
    [[nodiscard]] std::vector<InstanceRecord> all_instances() const;

    [[nodiscard]] broker::VmRef vm(const VmId& id) const override;
    [[nodiscard]] std::vector<PathRecord> paths(const VmId& vm) const override;
    [[nodiscard]] std::vector<InstanceRecord> instances(const VmId& vm) const override;
    void each_vm(const VmId& after,
                 const std::function<bool(const VmRecord&)>& each) const override;
    [[nodiscard]] std::vector<VmId> by_label(std::string_view label) const override;
    [[nodiscard]] std::vector<VmId> by_mac(std::string_view mac) const override;
    [[nodiscard]] std::vector<VmId> by_ip(std::string_view ip) const override;

    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> range() const override;
    void read(std::uint64_t after,
              const std::function<bool(const broker::JournalItem&)>& each) const override;
    [[nodiscard]] std::uint64_t sequence_at(WallTime time) const override;
    /// Also what retention dropped: it may still be under way to a watcher.
    void read_ever_recorded(std::uint64_t after,
                            const std::function<bool(const broker::JournalItem&)>& each) const;

private:
    void put(const broker::Record& record);
    void apply(const broker::Write& write);

    std::uint64_t epoch_;
    WallTime last_recorded_;
    std::uint64_t newest_ = 0;
    std::uint64_t last_token_ = 0;
    bool doubtful_ = false;
    std::map<VmId, broker::VmRef> vms_;
    std::map<std::pair<VmId, WorkerId>, PathRecord> paths_;
    std::map<std::pair<VmId, InstanceKey>, InstanceRecord> instances_;
    std::map<VmId, Lease> leases_;
    std::map<ActionId, ActionRecord> actions_;
    std::map<WorkerId, WorkerRecord> workers_;
    std::map<ActionId, PlanRecord> plans_;
    std::map<std::pair<ActionId, std::uint32_t>, PlanStepRecord> plan_steps_;
    std::map<std::uint64_t, broker::JournalItem> journal_; ///< ever recorded
    std::uint64_t oldest_ = 1;                             ///< retention kept
};

} // namespace ctys::sim
