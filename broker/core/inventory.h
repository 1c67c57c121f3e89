#pragma once

#include "mesh/core/address.h"
#include "mesh/core/message.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ctys::broker {

using VmRef = std::shared_ptr<const VmRecord>;

/// A VM with what belongs to it.
struct Listed {
    VmRecord vm;
    std::vector<PathRecord> paths;
    std::vector<InstanceRecord> instances;
};

/// What the broker knows, read-only. Implementations: LMDB (broker/storage), std::map (tests and
/// simulator), and Overlay, which lays undurable decisions over either. Values are copies: nothing
/// points into a store.
class InventoryView {
public:
    virtual ~InventoryView() = default;

    [[nodiscard]] virtual VmRef vm(const VmId& id) const = 0;
    [[nodiscard]] virtual std::vector<PathRecord> paths(const VmId& vm) const = 0;
    [[nodiscard]] virtual std::vector<InstanceRecord> instances(const VmId& vm) const = 0;
    /// All VMs with a larger id, in order of ids, until `each` returns false.
    virtual void each_vm(const VmId& after,
                         const std::function<bool(const VmRecord&)>& each) const = 0;
    /// What a list shows of a VM: `vm` without home and settings, and of its paths only worker,
    /// configuration and health.
    /// It may be taken apart.
    using EachListed = std::function<bool(Listed&)>;
    /// As each_vm, with what belongs to each; a view may give more than that.
    virtual void each_listed(const VmId& after, const EachListed& each) const;
    /// The same of one VM, without its paths and instances.
    [[nodiscard]] virtual VmRef vm_brief(const VmId& id) const { return vm(id); }
    /// Exact matches of a label, MAC or IP, without reading every VM.
    [[nodiscard]] virtual std::vector<VmId> by_label(std::string_view label) const = 0;
    [[nodiscard]] virtual std::vector<VmId> by_mac(std::string_view mac) const = 0;
    [[nodiscard]] virtual std::vector<VmId> by_ip(std::string_view ip) const = 0;
};

/// One entry of the journal as it is stored.
struct JournalItem {
    std::uint64_t sequence = 0;
    WallTime recorded;
    SharedBytes event; ///< empty when the record is damaged: shown as a gap
};

/// The durable journal, read-only. All events are of the present epoch.
class JournalView {
public:
    virtual ~JournalView() = default;

    /// Oldest and newest sequence; {1, 0} when it is empty.
    [[nodiscard]] virtual std::pair<std::uint64_t, std::uint64_t> range() const = 0;
    /// Items with sequence > after, in order, until `each` returns false.
    virtual void read(std::uint64_t after,
                      const std::function<bool(const JournalItem&)>& each) const = 0;
    /// First sequence recorded at or after `time`; one beyond the newest when there is none.
    [[nodiscard]] virtual std::uint64_t sequence_at(WallTime time) const = 0;
};

/// VMs that fit every key of the address, in order of ids; at most `limit` are returned, as
/// vm_brief() gives them. `worker` is what the address's w: names, where it has one: the VM must
/// run there or have a path there.
[[nodiscard]] std::vector<VmRef> find_vms(const InventoryView& inventory,
                                          const Address& address,
                                          const std::optional<WorkerId>& worker,
                                          std::size_t limit);

/// Does it run on this worker, or has it a path there?
[[nodiscard]] bool is_at(const WorkerId& worker,
                         const std::vector<PathRecord>& paths,
                         const std::vector<InstanceRecord>& instances);

} // namespace ctys::broker
