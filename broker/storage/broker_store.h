#pragma once

#include "broker/core/core.h"
#include "mesh/store/journal.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ctys::broker {

/// What opening the store has found worth telling.
struct OpenReport {
    std::vector<std::string> notes;         ///< sentences for the log and for `ctys status`
    std::vector<std::uint64_t> quarantined; ///< damaged journal records set aside now
    std::vector<std::string> set_aside;     ///< sentences about damaged rows, to be recorded
};

/// The broker's LMDB: journal and inventory (docs/storage.md). Reads come from the loop thread,
/// commit() and trim() from the writer thread; they share nothing but LMDB itself.
class BrokerStore final : public InventoryView, public JournalView {
public:
    static constexpr std::uint32_t schema_version = 1;
    static constexpr std::uint64_t tail_checked = 4096; ///< records examined when opening

    /// Opens `<state>/db`, creating it; begins a new epoch where the journal is behind
    /// `<state>/head` (a restored backup). As a reader it changes nothing. Errors: Storage,
    /// Conflict.
    [[nodiscard]] static Result<std::unique_ptr<BrokerStore>>
    open(const std::string& state, WallTime now, store::EnvironmentOptions options = {});
    /// Everything a core needs to begin. Errors: Storage.
    [[nodiscard]] Result<Loaded> load() const;

    /// Applies the batches in order in one transaction. Errors: Storage; nothing has changed then.
    [[nodiscard]] Status commit(std::span<const Commit> batches);
    /// Removes journal records below `before`, at most `limit`. Returns how many.
    [[nodiscard]] Result<std::size_t> trim(std::uint64_t before, std::size_t limit);
    /// Free bytes of the disk under the store, for us; nothing where the system does not say.
    [[nodiscard]] std::optional<std::uint64_t> disk_room() const;
    [[nodiscard]] Status remember_head(Cursor head) const;
    /// Begins a new epoch, larger than `older` and every one before it; the journal is doubtful
    /// from now on. The loop thread learns of it by adopt_epoch(). Errors: Storage.
    [[nodiscard]] Result<std::uint64_t> begin_epoch(WallTime now, std::uint64_t older);
    void adopt_epoch(std::uint64_t epoch) { epoch_ = epoch; }
    [[nodiscard]] store::Usage usage() const { return environment_.usage(); }
    [[nodiscard]] const OpenReport& report() const { return report_; }
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    /// Called on the loop thread when a commit is known: range() is asked often.
    void refresh_range();

    [[nodiscard]] VmRef vm(const VmId& id) const override;
    [[nodiscard]] VmRef vm_brief(const VmId& id) const override;
    void each_listed(const VmId& after, const EachListed& each) const override;
    [[nodiscard]] std::vector<PathRecord> paths(const VmId& vm) const override;
    [[nodiscard]] std::vector<InstanceRecord> instances(const VmId& vm) const override;
    void each_vm(const VmId& after,
                 const std::function<bool(const VmRecord&)>& each) const override;
    [[nodiscard]] std::vector<VmId> by_label(std::string_view label) const override;
    [[nodiscard]] std::vector<VmId> by_mac(std::string_view mac) const override;
    [[nodiscard]] std::vector<VmId> by_ip(std::string_view ip) const override;

    [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> range() const override { return range_; }
    void read(std::uint64_t after,
              const std::function<bool(const JournalItem&)>& each) const override;
    [[nodiscard]] std::uint64_t sequence_at(WallTime time) const override;

private:
    struct Tables {
        store::Table meta, vm, path, instance, lease, worker, action, by_label, by_mac, by_tcp,
            quarantine, plan;
    };
    BrokerStore(std::string state,
                store::Environment environment,
                store::Journal journal,
                Tables tables);

    Status settle_epoch(WallTime now);
    Result<std::uint64_t>
    put_epoch(store::WriteTransaction& transaction, WallTime now, std::uint64_t older) const;
    Status check_rows();
    Status doubt(store::WriteTransaction& transaction) const;
    Status read_epoch();
    Status check_journal();
    Status apply(store::WriteTransaction& transaction, const Write& write) const;
    Status put(store::WriteTransaction& transaction, const Record& record) const;
    Status put_vm(store::WriteTransaction& transaction, const VmRecord& vm) const;
    Status erase_index(store::WriteTransaction& transaction, const VmId& vm) const;
    template <typename Decode>
    [[nodiscard]] VmRef vm_as(const VmId& id, Decode decode) const;
    [[nodiscard]] std::vector<VmId> look_up(store::Table table, std::string_view text) const;
    template <typename T, typename Decode>
    [[nodiscard]] std::vector<T>
    rows_below(store::Table table, const VmId& vm, Decode decode) const;
    template <typename T, typename Decode>
    Status load_rows(const store::ReadTransaction& transaction,
                     store::Table table,
                     Decode decode,
                     std::vector<T>& out) const;

    std::string state_;
    store::Environment environment_;
    store::Journal journal_;
    Tables tables_;
    std::uint64_t epoch_ = 0;
    std::pair<std::uint64_t, std::uint64_t> range_{1, 0};
    OpenReport report_;
};

} // namespace ctys::broker
