#pragma once

#include "broker/core/leases.h"
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
    Dispatcher(Leases& leases, const Roster& roster) : leases_(leases), roster_(roster) {}

    /// `ended` are kept for repeated ids and for `ctys actions`; the oldest beyond `kept` are
    /// dropped.
    void load(std::vector<ActionRecord> actions, Instant now);
    static constexpr std::size_t kept = 10000;
    /// More than this many open actions are refused (P8).
    static constexpr std::size_t most_open = 4096;
    static constexpr Duration ask_again = std::chrono::seconds{30};

    void on_submit(Turn& turn,
                   const PeerId& peer,
                   std::uint64_t correlation,
                   const Principal& principal,
                   const msg::Submit& submit);
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
    /// A fenced or forgotten worker will never answer.
    void on_worker_gone(Turn& turn, const WorkerId& worker, std::string_view why);
    void on_tick(Turn& turn);

    [[nodiscard]] const std::map<ActionId, ActionRecord>& actions() const { return actions_; }
    [[nodiscard]] std::size_t open_count() const { return open_.size(); }

private:
    struct Open {
        Instant expires;         ///< not to be begun later
        bool maybe_sent = false; ///< the worker may have it
        Instant asked;           ///< when its worker was last asked about it
    };

    Status admit(Turn& turn, ActionRecord& record, const msg::Submit& submit, std::string& answer);
    Status admit_start(Turn& turn,
                       ActionRecord& record,
                       const msg::Submit& submit,
                       const VmRecord& vm,
                       std::string& answer);
    Status admit_other(Turn& turn, ActionRecord& record, const VmRecord& vm);
    void dispatch(Turn& turn, ActionRecord& record, Open& open);
    void end(Turn& turn, ActionRecord& record, Outcome outcome);
    void store(Turn& turn, ActionRecord& record, EventKind kind, std::string text);
    void withdraw(Turn& turn, const ActionRecord& record);
    void drop_oldest(Turn& turn);

    Leases& leases_;
    const Roster& roster_;
    std::map<ActionId, ActionRecord> actions_;
    std::map<ActionId, Open> open_;
    /// Starts that ended for whoever asked, while their worker may still hold the command.
    std::set<ActionId> withdrawing_;
    std::vector<std::pair<WallTime, ActionId>> ended_order_;
};

} // namespace ctys::broker
