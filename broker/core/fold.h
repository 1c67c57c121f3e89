#pragma once

#include "broker/core/leases.h"
#include "broker/core/proofs.h"
#include "broker/core/roster.h"

#include <functional>
#include <string_view>
#include <vector>

namespace ctys::broker {

/// What became of a VM that may carry workers; Carried decides what follows from it.
struct CarrierChange {
    enum class What : std::uint8_t {
        Ended,  ///< its last live instance
        Reset,  ///< its guest began anew, or has panicked
        Stands, ///< its only instance is paused, suspended or frozen
        GoesOn, ///< and is no more
    };
    What what = What::Ended;
    VmId vm;
    WorkerId worker;  ///< where it runs or ran
    WallTime at;      ///< when it happened
    bool seen = true; ///< somebody saw it; else it was concluded, and `at` is only when
    std::string text; ///< "its carrier lab02 was reset"
};

/// Folds what agents report into inventory and leases, and records it.
class Folder {
public:
    Folder(Leases& leases, const Roster& roster, const StorageProofs& proofs)
        : leases_(leases), roster_(roster), proofs_(proofs) {}

    /// Applies one event of a worker's stream. `bytes` are what it was decoded from; they go into
    /// the journal as they are. Facts that another live agent of the same machine owns change
    /// nothing.
    void fold(Turn& turn, Member& member, const Event& event, SharedBytes bytes);
    /// Applies one fact of a full exchange: recorded only when it differs from the inventory.
    void fold_fact(Turn& turn, Member& member, const Event& event, SharedBytes bytes);
    /// The full exchange is complete: what it did not name is gone.
    void end_exchange(Turn& turn, Member& member);
    /// The machine of a worker has a new boot id: everything it ran has ended.
    void on_reboot(Turn& turn, const Member& member, const BootId& boot);
    /// An administrator declared the worker's VMs dead.
    void on_fenced(Turn& turn, const Member& member);
    /// What carries the worker has ended: so has everything it ran. `text` says how.
    void end_carried(Turn& turn, const WorkerId& worker, const CarrierChange& why);
    /// What carries the worker stands still, or goes on: its live instances are frozen, or again
    /// what they were.
    void freeze(Turn& turn, const WorkerId& worker, const std::string& text);
    void thaw(Turn& turn, const WorkerId& worker, const std::string& text);
    /// What happened to VMs that some worker claims to be, since this was last asked.
    [[nodiscard]] std::vector<CarrierChange> take_changes() { return std::exchange(changes_, {}); }
    /// The worker will never come back: its paths are erased.
    void forget(Turn& turn, const Member& member);
    /// Instances of nobody's are shown for a day after their end ("by hand, 3h ago"), then they are
    /// erased, and with them a VM that was known from them only; some each second.
    static constexpr Duration gone_kept = std::chrono::hours{24};
    static constexpr std::size_t gone_per_tick = 64;
    void erase_gone(Turn& turn);
    /// Those unproven paths of the worker lead to the storage they name; `why` in words.
    void prove(Turn& turn,
               const Member& member,
               const std::function<bool(const PathRecord&)>& which,
               std::string_view why);
    /// The last ended instance of a VM is kept, for "by guest, 1m ago". On a machine with several
    /// agents so are those before it, this many in all: an agent that was cut off tells of each
    /// when it is back, and only of a known end it is known that the news are late.
    static constexpr std::size_t most_ended = 16;

private:
    void apply(Turn& turn, Member& member, const Event& event, SharedBytes bytes, bool is_fact);
    void end_all(Turn& turn,
                 const WorkerId& worker,
                 const std::function<bool(const InstanceRecord&)>& which,
                 EndedBy by,
                 const std::string& detail,
                 const CarrierChange* carrier = nullptr);
    /// False: nothing changes and nothing is recorded.
    bool apply_instance(Turn& turn, const Member& member, InstanceRecord instance, bool is_fact);
    /// Makes room among `rows` for one more that ended.
    void erase_ended(Turn& turn, const std::vector<InstanceRecord>& rows, const InstanceKey& last);
    void apply_health(Turn& turn, const Member& member, const PathRecord& reported);
    bool apply_path(Turn& turn, const Member& member, PathFacts facts);
    /// Paths of pools that are trusted from now on are no longer unproven.
    void settle_trust(Turn& turn, const Member& member);
    /// The lease of an instance that ended; the inventory shows the end already.
    void end_lease(Turn& turn, const InstanceRecord& ended);
    void settle_conflict(Turn& turn, const VmId& vm, std::size_t live_before);
    void end_instance(Turn& turn,
                      InstanceRecord instance,
                      EndedBy by,
                      std::string detail,
                      const CarrierChange* carrier = nullptr);
    void set_state(Turn& turn, InstanceRecord instance, VmState state, const std::string& text);
    /// Is a worker inside? Nearly always not, and then nothing of this costs anything.
    [[nodiscard]] bool is_carrier(Turn& turn, const VmId& vm) const;
    void note_end(Turn& turn, const InstanceRecord& ended, bool seen);
    void note_start(Turn& turn, const InstanceRecord& now);
    void note_state(Turn& turn, const InstanceRecord* known, const InstanceRecord& now);
    /// Among its former processes is one whose state went to disk: the last one, if any.
    [[nodiscard]] static bool was_suspended(Turn& turn, const VmId& vm);
    void note_reset(Turn& turn, const Member& member, const Event& event);
    /// The worker itself has told what it runs: what was concluded of it is confirmed.
    void verify(Turn& turn, const Member& member, std::vector<InstanceRecord> concluded);

    Leases& leases_;
    const Roster& roster_;
    const StorageProofs& proofs_;
    std::vector<CarrierChange> changes_;
};

/// Its CPUs do not run: nor do those of whoever it carries.
[[nodiscard]] bool stands(VmState state);
[[nodiscard]] std::string standing(const InstanceRecord& carrier);
/// What the end of its last instance means to whoever a VM carries.
[[nodiscard]] CarrierChange change_of(const InstanceRecord& ended, bool seen);

/// Nobody saw this end, or nobody knows its cause: it may learn that.
[[nodiscard]] bool is_concluded(const InstanceRecord& instance);
/// An agent saw this end: that it lives is no news of `worker`, which has not seen it yet. Of an
/// unknown cause only another agent of the machine is late.
[[nodiscard]] bool was_told(const InstanceRecord& instance, const WorkerId& worker);

/// The row under which a second home of a UUID is kept: a copy never shares the identity
/// (DESIGN: Identity).
[[nodiscard]] VmId id_of_copy(const VmId& original, const StorageIdentity& storage);

} // namespace ctys::broker
