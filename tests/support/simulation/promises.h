#pragma once

#include "broker/core/write.h"
#include "tests/support/simulation/estate.h"
#include "tests/support/simulation/map_store.h"

namespace ctys::sim {

class SimAgent;

/// Watches a simulated mesh and says when a promise of DESIGN 1 is broken, at the moment it is.
/// What can only be judged at rest is in rest.h.
class Promises final : public Witness {
public:
    explicit Promises(Ground& ground) : ground_(ground), estate_(ground) {}

    [[nodiscard]] Estate& estate() { return estate_; }

    // What was asked, by whoever asks.
    void on_submit(const Action& action, const Principal& principal, const std::string& label);
    /// An administrator declared what runs on the machine dead: from then on it may run twice.
    void on_fence(const Machine& machine);

    /// Its wrapper starts it from its snapshot.
    void on_load(const Process& process);
    // What is done to VMs (P3, P5, P6).
    void on_let_run(const Process& process) override;
    void on_cut(const Process& process, std::string_view how) override;
    void on_stopped(const Process& process) override;
    void on_reset(const Process& process) override;
    void on_ended(const Process& process) override;
    void on_fate(const Process& process, Fate fate) override {
        if (tell_fate) tell_fate(process, fate);
    }
    std::function<void(const Process&, Fate)> tell_fate; ///< whoever knows which VM is a machine
    bool is_host_stopping = false; ///< VMs are asked, paused and cut as they say for that

    std::function<void(Machine&, unsigned)> tell_run_level; ///< whoever can end a machine

    // What an agent has made durable.
    void on_agent_peer(const std::string& peer, const std::string& agent) {
        agent_peers_[peer] = agent;
    }
    void on_spooled(const SimAgent& agent,
                    const agent::Spool& unit,
                    std::size_t bytes,
                    std::size_t limit);
    /// The agent's spool was lost or has dropped events: what it had seen may never be told.
    void on_stream_lost(const std::string& agent);
    /// What lay below /run is gone with its evidence.
    void on_reboot(const BootId& boot);
    /// Mutant OutcomeLost: takes the ends of actions out of a batch.
    static void drop_outcomes(msg::Publish& batch);
    /// Mutant FailureIsDone: orders of plans end well in a batch.
    static void gild_outcomes(msg::Publish& batch);

    // What the broker has made durable (P2).
    void on_recorded(const broker::Append& append);
    /// A message leaves the broker; the store holds what is durable now.
    void on_sent(const Envelope& envelope, const MapStore& store);

    std::function<void(const Event&)> tell_event; ///< whoever judges plans
    [[nodiscard]] bool is_declared_dead(const InstanceKey& key) const {
        return declared_dead_.contains(key);
    }

    struct Exit {
        Process process;
        unsigned recorded = 0; ///< with this very ending
        bool excused = false;
    };
    [[nodiscard]] const std::map<InstanceKey, Exit>& exits() const { return exits_; }
    [[nodiscard]] const std::map<ActionId, unsigned>& outcomes() const { return outcomes_; }

private:
    struct Asked {
        Action action;
        std::string label;
        Instant at;
    };
    void on_move(const Process& process);
    void check_concluded(const InstanceRecord& row);
    void on_order(const ActionRecord& record);
    [[nodiscard]] bool was_asked(const std::string& label, std::initializer_list<Verb> verbs) const;
    [[nodiscard]] bool may_cut(const Process& process) const;
    void check_outcome(const ActionRecord& record);
    void on_agent_event(const SimAgent& agent, const Event& event);

    Ground& ground_;
    Estate estate_;
    std::map<ActionId, Asked> asked_;
    std::multimap<std::string, ActionId> asked_of_; ///< by label
    std::set<InstanceKey> declared_dead_;
    std::map<std::string, std::string> agent_peers_;
    std::set<std::string> announced_; ///< labels whose cut was announced
    std::map<ActionId, unsigned> agent_outcomes_;
    std::set<ActionId> started_; ///< starts that an agent reported as done
    std::map<std::string, unsigned> resets_;
    std::map<InstanceKey, Exit> exits_;
    std::map<ActionId, unsigned> outcomes_; ///< ends of actions in the journal
    std::map<ActionId, unsigned> begun_;
    std::set<std::string> lost_streams_; ///< agents
    WallTime last_recorded_;
};

} // namespace ctys::sim
