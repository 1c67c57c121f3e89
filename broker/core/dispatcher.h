#pragma once

#include "broker/core/audit.h"
#include "broker/core/held_orders.h"
#include "broker/core/leases.h"
#include "broker/core/plans.h"
#include "broker/core/roster.h"

#include <map>
#include <set>

namespace ctys::broker {

/// Carries actions to workers and to their one end. States (ActionState) and inputs:
///
///     state      | worker reachable | refused by worker | begun event | ended event | expired
///     requested  | send, dispatched | -                 | running     | ended       | ended,
///     withdraw dispatched | -                | ended             | running     | ended       | ask
///     the worker running    | -                | -                 | -           | ended       | -
///
/// A worker that returns is asked about every open action that may have reached it; one that it
/// never saw is sent again while it has not expired, except where a repetition could harm.
class Dispatcher {
public:
    Dispatcher(Leases& leases, const Roster& roster, RefusalAudit& audit, Plans& plans)
        : leases_(leases), roster_(roster), audit_(audit), plans_(plans) {}

    /// Ended ones are kept for repeated ids and for `ctys actions`; the oldest beyond `kept` are
    /// dropped.
    void load(std::vector<ActionRecord> actions, Instant now);
    static constexpr std::size_t kept = 10000;
    /// More than this many open actions are refused (P8).
    static constexpr std::size_t most_open = 4096;
    static constexpr Duration ask_again = std::chrono::seconds{30};
    /// An order that nobody can begin for so long is a mistake, and would be open for as long.
    static constexpr Duration longest_expiry = std::chrono::hours{24};
    /// What is left of an action's expiry is stored about so often, and for a long one less often:
    /// a restart of the broker takes that much from nobody, and gives nobody a fresh start.
    static constexpr Duration save_every = std::chrono::seconds{5};

    void on_submit(Turn& turn,
                   const PeerId& peer,
                   std::uint64_t correlation,
                   const Principal& principal,
                   const msg::Submit& submit);
    /// Decides anew what was held for a worker: after one registered, has told what it runs, is
    /// lost, and each second.
    void decide_held(Turn& turn);
    void on_peer_gone(const PeerId& peer) { held_.on_peer_gone(peer); }
    void on_cancel(Turn& turn,
                   const PeerId& peer,
                   std::uint64_t correlation,
                   const Principal& principal,
                   const msg::CancelAction& cancel);

    void on_refused(Turn& turn, const Member& member, const msg::CommandRefused& refused);
    void on_status(Turn& turn, const Member& member, const msg::CommandStatus& status);
    void on_confirm(Turn& turn,
                    const Member& member,
                    std::uint64_t correlation,
                    const msg::Confirm& confirm);
    /// A person starts a VM by its wrapper on this worker: its lease is reserved as for any start.
    /// Answered by HandGrant.
    void on_hand_start(Turn& turn,
                       const Member& member,
                       std::uint64_t correlation,
                       const msg::HandStart& asked);
    void on_withdrawn(Turn& turn, const Member& member, const msg::Withdrawn& withdrawn);
    /// An action event out of a worker's stream. False: it is not to be recorded as it is, because
    /// the action has had its outcome.
    bool on_event(Turn& turn, const Member& member, const Event& event);
    /// A worker has registered: settle what was open with it.
    void on_registered(Turn& turn, const Member& member);
    /// It has told everything that it runs: what its starts were said to have brought up, too.
    void on_exchanged(Turn& turn, const Member& member);
    /// A fenced or forgotten worker will never answer.
    void on_worker_gone(Turn& turn, const WorkerId& worker, std::string_view why);
    void on_tick(Turn& turn);

    /// An order of a plan: it was decided, and is an action like any other from now on.
    void begin_order(Turn& turn, Action action, const std::string& label);
    void cancel_order(Turn& turn, ActionId order);
    /// The action that a plan carried out has its one end.
    void end_plan(Turn& turn, ActionId plan, Outcome outcome);

    [[nodiscard]] const ActionRecord* find(ActionId id) const;
    [[nodiscard]] const std::map<ActionId, ActionRecord>& actions() const { return actions_; }
    [[nodiscard]] std::size_t open_count() const { return open_.size(); }
    /// An order that is under way asks the VM to end, and says when it is cut.
    [[nodiscard]] bool is_given_deadline(const VmId& vm) const { return limited_.contains(vm); }

private:
    struct Open {
        Instant expires;         ///< not to be begun later
        bool maybe_sent = false; ///< the worker may have it
        Instant asked;           ///< when its worker was last asked about it
        Instant saved;           ///< when what is left until `expires` was last stored
    };

    Open& open(const ActionRecord& record, Open as);
    void close(const Action& action);
    /// Reserved leases whose action is not in the store.
    void adopt_orphans(Instant now);
    struct Admission {
        std::string answer;       ///< nothing needs to be done, and why
        std::optional<Wait> wait; ///< neither admitted nor refused yet
        std::optional<Plan> plan; ///< one order is not enough
    };

    void decide(Turn& turn, HeldOrder order);
    void refuse(Turn& turn, const HeldOrder& order, Error error);
    [[nodiscard]] bool is_over(const Wait& wait) const;
    Result<Admission> admit(Turn& turn, ActionRecord& record, const msg::Submit& submit);
    /// What a start that cannot be done needs: the VM that carries the worker is started before.
    /// Nothing: that is not what it lacks. Errors: Conflict (nobody asked for the stack).
    [[nodiscard]] Result<std::optional<Plan>>
    plan_start(const Turn& turn, const Action& action, const VmRecord& vm) const;
    [[nodiscard]] Result<Plan>
    picture_of(Turn& turn, const Action& action, const std::string& answer) const;
    void begin_plan(Turn& turn, const HeldOrder& order, ActionRecord record, const Plan& plan);
    /// A whole worker, or with "*" the whole estate.
    Result<Admission> admit_many(Turn& turn,
                                 ActionRecord& record,
                                 const msg::Submit& submit,
                                 const std::optional<WorkerId>& worker);
    /// INIT: 0 and 6 mean an end and a reboot by the guest alone. Errors: Usage.
    [[nodiscard]] static Status check_run_level(const Action& action);
    /// Another run level, by the agent inside. Errors: Unsupported (there is none), Unreachable.
    [[nodiscard]] Result<Admission>
    admit_init(Turn& turn, ActionRecord& record, const VmRecord& vm) const;
    /// The machine of the worker itself. Errors: Refused (it was asked from there), Unsupported,
    /// Unreachable.
    [[nodiscard]] Status mean_self(Turn& turn,
                                   const msg::Submit& submit,
                                   const WorkerId& worker,
                                   Plans::Wish& wish) const;
    /// What brings back a VM that was suspended with what it carries; nothing when it was not.
    [[nodiscard]] std::optional<Plan> plan_waking(const Turn& turn, const VmRecord& vm) const;
    [[nodiscard]] static Admission admit_plan(const Action& action, Plan plan);
    /// A plan that starts things. Errors: Conflict.
    [[nodiscard]] Result<Admission> admit_rise(Plan plan) const;
    Result<Admission> admit_scan(ActionRecord& record, const Address& address);
    Result<Admission>
    admit_start(Turn& turn, ActionRecord& record, std::string_view on, const VmRecord& vm);
    /// A copy on other storage is started only after a decision of its owner (DESIGN: Identity).
    [[nodiscard]] Status
    check_copy(const Turn& turn, const VmRecord& copy, const std::vector<PathRecord>& paths) const;
    /// Nobody ends or stops by mistake the machine on which he sits. Errors: Conflict.
    [[nodiscard]] Status
    check_asker(Turn& turn, const msg::Submit& submit, const VmId& target) const;
    /// Going back to a snapshot ends all that the VM carries at once, and nobody is asked. Errors:
    /// Conflict.
    [[nodiscard]] Status
    check_revert(Turn& turn, const msg::Submit& submit, const VmId& target) const;
    /// With a place, only the instance that is there.
    Result<Admission> admit_other(Turn& turn,
                                  ActionRecord& record,
                                  const msg::Submit& submit,
                                  const VmRecord& vm,
                                  const std::optional<WorkerId>& place);
    /// The error, unless the worker is about to call.
    [[nodiscard]] Result<Admission> unless_awaited(const WorkerId& worker, Error error) const;
    void dispatch(Turn& turn, ActionRecord& record, Open& open);
    void end(Turn& turn, ActionRecord& record, Outcome outcome);
    void store(Turn& turn, ActionRecord& record, EventKind kind, std::string text);
    void withdraw(Turn& turn, const ActionRecord& record);
    void drop_oldest(Turn& turn);
    void save_remaining(Turn& turn, const ActionRecord& record, Open& open) const;

    Leases& leases_;
    const Roster& roster_;
    RefusalAudit& audit_;
    Plans& plans_;
    std::map<ActionId, ActionRecord> actions_;
    std::map<ActionId, Open> open_;
    std::map<VmId, std::size_t> limited_; ///< open orders with a deadline, of VMs that are to end
    HeldOrders held_;
    /// Actions that ended for whoever asked, while their worker may still hold the command. Of the
    /// last `kept` actions, and of starts whose lease is reserved for as long as it is.
    std::set<ActionId> withdrawing_;
    std::vector<std::pair<WallTime, ActionId>> ended_order_;
};

} // namespace ctys::broker
