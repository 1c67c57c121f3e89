#pragma once

#include "broker/core/audit.h"
#include "broker/core/carried.h"
#include "broker/core/dispatcher.h"
#include "broker/core/fold.h"
#include "broker/core/proofs.h"
#include "broker/core/queries.h"
#include "broker/core/watches.h"

#include <string>
#include <variant>

namespace ctys::broker {

/// A message from the mesh socket, decoded, with who sent it.
struct Received {
    PeerId peer;
    Principal principal;
    Envelope envelope;
};
/// A message could not be delivered: no such connection any more.
struct PeerGone {
    PeerId peer;
};
/// Once a second.
struct Tick {};
/// Every batch up to this one is durable.
struct Committed {
    std::uint64_t batch = 0;
};
/// Answers the Again effect.
struct Continue {};
/// What only the shell can know has changed.
struct ShellStatus {
    StatusRow status;
};

using Input = std::variant<Received, PeerGone, Tick, Committed, Continue, ShellStatus>;

/// What LMDB held when the core was made.
struct Loaded {
    Cursor head; ///< last recorded event; its epoch is the journal's
    WallTime last_recorded;
    std::uint64_t last_token = 0;
    bool doubtful = false; ///< put back from a backup: what its workers run may not be in it
    std::vector<Lease> leases;
    std::vector<ActionRecord> actions;
    std::vector<WorkerRecord> workers;
    std::vector<PlanRecord> plans;
    std::vector<PlanStepRecord> plan_steps; ///< in order of plans and indices
    std::vector<std::string> set_aside; ///< sentences about rows that could not be read: recorded
};

struct Settings {
    NonceId nonce; ///< one life of this core
    std::string version;
    std::string degraded; ///< not empty: nothing can be made durable, and why
    WallTime started;     ///< of the process, which outlives its cores; none: now
};

/// The broker's decisions. Pure: same inputs, same effects; time comes in, everything that happens
/// goes out as an Effect. Inventory and journal are read through views of what is durable; what is
/// decided but not yet durable is laid over them here. When a commit fails the shell throws this
/// object away and makes a new one from the store, degraded.
class BrokerCore {
public:
    BrokerCore(Settings settings,
               Loaded loaded,
               const InventoryView& durable,
               const JournalView& journal,
               Now now);

    [[nodiscard]] Effects step(Input input, Now now);
    [[nodiscard]] const Roster& roster() const { return roster_; }
    [[nodiscard]] const Leases& leases() const { return leases_; }
    [[nodiscard]] const Dispatcher& dispatcher() const { return dispatcher_; }
    [[nodiscard]] const InventoryView& inventory() const { return overlay_; }

private:
    void on(Turn& turn, Received& received);
    void on(Turn& turn, const PeerGone& gone);
    void on(Turn& turn, const Tick& tick);
    void on(Turn& turn, const Committed& committed);
    void on(Turn& turn, const Continue& again);
    void on(Turn& turn, const ShellStatus& status);

    void on_body(Turn& turn, const Received& from, msg::AgentHello& hello);
    void on_body(Turn& turn, const Received& from, const msg::Submit& submit);
    void on_body(Turn& turn, const Received& from, const msg::CancelAction& cancel);
    void on_body(Turn& turn, const Received& from, const msg::Administer& administer);
    void on_body(Turn& turn, const Received& from, const msg::Ask& ask);
    void on_body(Turn& turn, const Received& from, const msg::Watch& watch);
    void on_body(Turn& turn, const Received& from, const msg::Credit& credit);
    void on_body(Turn& turn, const Received& from, const msg::CloseStream& close);
    void on_body(Turn& turn, const Received& from, const msg::Ping& ping);
    template <typename Other>
    void on_body(Turn& turn, const Received& from, const Other& other);

    void on_member(Turn& turn, Member& member, const Received& from, const msg::Publish& publish);
    void
    on_member(Turn& turn, Member& member, const Received& from, const msg::StorageProof& proof);

    void register_worker(Turn& turn,
                         const PeerId& peer,
                         std::uint64_t correlation,
                         const msg::AgentHello& hello);
    void apply_batch(Turn& turn, Member& member, const msg::Publish& publish);
    void apply_full(Turn& turn, Member& member, const msg::Publish& publish);
    /// The worker was told of events that are not in this journal.
    [[nodiscard]] bool is_ahead(const Cursor& acknowledged) const;
    void demand_exchange(Turn& turn, Member& member, std::string why);
    void fence(Turn& turn,
               const Received& from,
               const msg::Administer& administer,
               const Member& member);
    /// Lets every plan take the steps that this turn has made possible.
    void excuse_plans(Instant now);
    void run_plans(Turn& turn);
    [[nodiscard]] Sources sources() const;
    [[nodiscard]] bool refuse_degraded(Turn& turn, const Received& from) const;

    Settings settings_;
    Cursor head_;
    WallTime last_recorded_;
    std::uint64_t batch_ = 0;
    const InventoryView& durable_;
    const JournalView& journal_;
    Overlay overlay_;
    Roster roster_;
    Leases leases_;
    RefusalAudit audit_;
    Plans plans_;
    std::vector<ActionId> broken_plans_; ///< to be ended with the first tick
    Dispatcher dispatcher_;
    Folder folder_;
    StorageProofs proofs_;
    Carried carried_;
    Watches watches_;
    Queries queries_;
    StatusRow status_;
    std::vector<std::string> set_aside_; ///< to be recorded with the first tick
    std::optional<Instant> ticked_;
    std::optional<Instant> stepped_;
    bool is_over_ = false; ///< a new epoch begins: another core goes on
};

} // namespace ctys::broker
