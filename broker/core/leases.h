#pragma once

#include "broker/core/turn.h"

#include <map>

namespace ctys::broker {

/// Who may run which VM. A lease never ends by time (DESIGN: Life of an action):
///
///     state      | start outcome ok | start failed / withdrawn | instance live | instance ended |
///     fence none       | -                | -                        | running       | - | -
///     reserved   | running          | none                     | running       | none           |
///     none running    | -                | -                        | -             | none | none
class Leases {
public:
    void load(std::vector<Lease> leases, std::uint64_t last_token);

    [[nodiscard]] const Lease* find(const VmId& vm) const;
    [[nodiscard]] const std::map<VmId, Lease>& all() const { return leases_; }
    [[nodiscard]] std::uint64_t last_token() const { return last_token_; }

    /// Takes the free lease for a start; the token is larger than every one given before.
    const Lease& reserve(Turn& turn, const VmId& vm, const WorkerId& worker, ActionId action);
    /// A live instance is reported. Takes a free lease, or turns the worker's reservation into
    /// running.
    void on_live(Turn& turn, const InstanceRecord& instance);
    void on_ended(Turn& turn, const InstanceRecord& instance);
    /// The start of this action will never happen, has failed, or has ended well with a VM that is
    /// gone by now, as another agent of its machine has told before.
    void on_not_started(Turn& turn, ActionId action);
    /// Ends every lease of a worker that is dead: an administrator says so, or its carrier has
    /// ended. Returns the VMs.
    std::vector<VmId> fence(Turn& turn, const WorkerId& worker);

private:
    void store(Turn& turn, Lease lease);
    void drop(Turn& turn, const VmId& vm);

    std::map<VmId, Lease> leases_;
    std::uint64_t last_token_ = 0;
};

} // namespace ctys::broker
