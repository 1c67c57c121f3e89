#pragma once

#include "broker/core/inventory.h"
#include "broker/core/row_index.h"
#include "broker/core/write.h"

#include <map>
#include <set>

namespace ctys::broker {

/// The store as it will be once everything decided so far is durable. Entries are dropped when
/// their batch is committed; a base that already shows them gives the same answers.
class Overlay final : public InventoryView {
public:
    /// Reads the base once for its index.
    explicit Overlay(const InventoryView& base) : base_(base) { index_.load(base); }

    /// Lays one write over the base, as part of batch number `batch` (numbers only grow).
    void apply(const Write& write, std::uint64_t batch);
    /// Everything up to and including `batch` is in the base now.
    void committed(std::uint64_t batch);
    [[nodiscard]] bool empty() const {
        return vms_.empty() && paths_.empty() && instances_.empty();
    }

    [[nodiscard]] RowIndex& index() { return index_; }
    [[nodiscard]] const RowIndex& index() const { return index_; }

    [[nodiscard]] VmRef vm(const VmId& id) const override;
    [[nodiscard]] VmRef vm_brief(const VmId& id) const override;
    [[nodiscard]] std::vector<PathRecord> paths(const VmId& vm) const override;
    [[nodiscard]] std::vector<InstanceRecord> instances(const VmId& vm) const override;
    void each_vm(const VmId& after,
                 const std::function<bool(const VmRecord&)>& each) const override;
    [[nodiscard]] std::vector<VmId> by_label(std::string_view label) const override;
    [[nodiscard]] std::vector<VmId> by_mac(std::string_view mac) const override;
    [[nodiscard]] std::vector<VmId> by_ip(std::string_view ip) const override;

private:
    /// A null record says "erased".
    struct Entry {
        std::shared_ptr<const Record> record;
        std::uint64_t batch = 0;
    };
    using PathKey = std::pair<WorkerId, std::string>; ///< and its configuration
    template <typename Key>
    using Layer = std::map<Key, Entry>;

    [[nodiscard]] std::vector<VmId>
    with_pending(std::vector<VmId> from_base,
                 const std::function<bool(const VmRecord&)>& holds) const;

    const InventoryView& base_;
    RowIndex index_;
    Layer<VmId> vms_;
    Layer<std::pair<VmId, PathKey>> paths_;
    Layer<std::pair<VmId, InstanceKey>> instances_;
};

} // namespace ctys::broker
