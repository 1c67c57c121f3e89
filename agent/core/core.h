#pragma once

#include "agent/core/boot_starts.h"
#include "agent/core/guests_stop.h"
#include "agent/core/hand_starts.h"
#include "agent/core/media.h"
#include "agent/core/own_machine.h"
#include "agent/core/patience.h"
#include "agent/core/snapshots.h"
#include "agent/core/starter.h"
#include "agent/core/uplink.h"

namespace ctys::agent {

struct CoreSettings {
    WorkerRecord worker;
    OwnerCommands owners;
    std::size_t spool_limit = 8 * 1024 * 1024; ///< bytes of events kept for an absent broker
    /// When the machine goes down: what is left of its VMs is cut then.
    Duration stop_deadline = std::chrono::seconds{180};
    std::string self_refused = {}; ///< why this agent may not end its machine; empty: it may
    /// How long a start on boot waits for SurveyEnded. None: nothing in this boot has still to show
    /// whether KVM runs guests.
    Duration survey_patience = {};
};

/// What a former life of the agent had begun and not ended.
struct Recovered {
    StreamStart stream;
    std::vector<Intent> intents;
    HostMemory memory = {};
};

/// The agent's decisions. Pure: same inputs, same effects. What runs is told by Appeared; what a
/// former life left behind is settled when the processes it knew have been looked for (start()).
class AgentCore {
public:
    AgentCore(CoreSettings settings, Recovered recovered);

    /// Configurations that were known before; no news. Called before start().
    void know_paths(const std::vector<PathFacts>& paths);
    /// Called once, after every process that runs was told as Appeared.
    [[nodiscard]] Effects start(Now now);
    [[nodiscard]] Effects step(Input input, Now now);

    [[nodiscard]] const Instances& instances() const { return instances_; }
    /// By configuration.
    [[nodiscard]] const std::map<std::string, PathFacts>& paths() const { return paths_; }
    [[nodiscard]] bool online() const { return uplink_.online(); }
    /// The broker has acknowledged everything that was told.
    [[nodiscard]] bool is_drained() const { return uplink_.is_drained(); }
    [[nodiscard]] bool is_stopping_guests() const { return guests_stop_.is_active(); }
    [[nodiscard]] const WorkerRecord& worker() const { return worker_; }
    /// How everything stands, as the events of a full exchange.
    [[nodiscard]] std::vector<Event> facts() const;

private:
    Effects finish(Turn& turn);
    void on(Turn& turn, FromBroker& from);
    void on(Turn& turn, Appeared& appeared);
    void on(Turn& turn, EndedWhileAway& ended);
    void on(Turn& turn, const Exited& exited);
    void on(Turn& turn, const MonitorUp& up);
    void on(Turn& turn, const MonitorDown& down);
    void on(Turn& turn, const MonitorReply& reply);
    void on(Turn& turn, const MonitorEvent& event);
    void on(Turn& turn, const StateNoted& noted);
    void on(Turn& turn, const ImageChecked& checked);
    void on(Turn& turn, const LaunchEnded& ended);
    void on(Turn& turn, const OwnerCommandEnded& ended);
    void on(Turn& turn, const GuestAnswered& answered);
    void on(Turn& turn, OwnersChanged& changed);
    void on(Turn& turn, const RunLevelEnded& ended);
    void on(Turn& turn, Scanned& scanned);
    void on(Turn& turn, const ScanFinished& ended);
    void on(Turn& turn, const Proved& proved);
    void on(Turn& turn, const FactsChanged& changed);
    void on(Turn& /*turn*/, const SurveyEnded& /*ended*/) { boot_starts_.on_survey_ended(); }
    void on(Turn& turn, const Spooled& spooled);
    void on(Turn& turn, const SpoolFailed& failed);
    void on(Turn& turn, const TimerFired& fired);
    void on(Turn& turn, const HandStartAsked& asked);
    void on(Turn& turn, const StopAsked& asked);
    void on(Turn& turn, const CallerGone& gone);
    void on(Turn& turn, const Leaving& leaving);

    void on_body(Turn& turn, const Envelope& envelope, const msg::Command& command);
    void on_body(Turn& turn, const Envelope& envelope, const msg::CommandQuery& query);
    void on_body(Turn& turn, const Envelope& envelope, const msg::Withdraw& withdraw);
    void on_body(Turn& turn, const Envelope& envelope, const msg::CancelCommand& cancel);
    void on_body(Turn& turn, const Envelope& envelope, const msg::Failure& failure);
    template <typename Other>
    void on_body(Turn& turn, const Envelope& envelope, const Other& other);
    bool refuse_again(Turn& turn, ActionId action) const;
    /// Can it be begun at present?
    [[nodiscard]] Status check_time(Turn& turn, const msg::Command& command) const;
    [[nodiscard]] Status execute(Turn& turn, const msg::Command& command);
    [[nodiscard]] Status begin_on_vm(Turn& turn, const msg::Command& command, Instant asked);
    /// The process an order means. Errors: Conflict (it has ended).
    [[nodiscard]] Result<Instance*> require_target(const Action& action);
    void begin_or_refuse(Turn& turn, const Patience::Order& order);
    void refuse(Turn& turn, ActionId action, Error error);
    void come_up(Turn& turn, Instance& instance, const MonitorUp& up);
    void on_job(Turn& turn, const InstanceKey& key, const std::string& job);
    void settle(Turn& turn, const Intent& intent);
    void adopt_suspensions(Turn& turn);
    void keep_state(Turn& turn, const InstanceRecord& record);
    void begin_boot(Turn& turn);
    void review(Turn& turn);
    [[nodiscard]] const VmRecord* find_vm(const InstanceRecord& record) const;

    WorkerRecord worker_;
    std::uint64_t last_sequence_;
    std::uint64_t hash_;
    std::vector<Intent> recovered_;
    Instances instances_;
    WorkTable works_;
    Control control_;
    Suspension suspension_;
    Media media_;
    Snapshots snapshots_;
    Starter starter_;
    HandStarts hand_starts_;
    OwnMachine own_machine_;
    Patience patience_;
    HostMemory memory_;
    bool memory_is_new_ = false; ///< written with the next unit of the spool
    GuestsStop guests_stop_;
    BootStarts boot_starts_;
    Duration stop_deadline_;
    Duration survey_patience_;
    std::map<std::string, PathFacts> paths_; ///< by configuration
    /// Last refusals, oldest first: told again when the broker asks, in case it never heard.
    std::vector<std::pair<ActionId, Error>> refusals_;
    std::map<VmId, std::uint64_t> tokens_; ///< newest fencing token seen for a VM
    Uplink uplink_;
    bool spool_broken_ = false;
    bool started_ = false;
    WallTime worker_since_; ///< of the facts in worker_
};

} // namespace ctys::agent
