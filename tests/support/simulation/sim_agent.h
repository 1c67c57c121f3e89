#pragma once

#include "tests/support/simulation/machine.h"
#include "tests/support/simulation/network.h"
#include "tests/support/simulation/promises.h"
#include "tests/support/simulation/sim_spool.h"

#include <deque>
#include <memory>

namespace ctys::sim {

struct AgentPlan {
    WorkerId id;
    std::string name;
    std::vector<Mount> mounts;
    std::size_t spool_limit = 8 * 1024 * 1024;
    agent::OwnerCommands owners;
    Duration redial{};             ///< QEMUs need at least so long to dial a new life of it
    bool is_root = true;           ///< it may end its machine
    Duration wall_offset{};        ///< its wall clock against that of the others
    bool shows_directories = true; ///< false: a second process that has no instances of its own
};

/// One agent: an AgentCore with what the shell would do for it on a simulated machine. Its spool
/// survives a crash, as far as it was written.
class SimAgent final : public MachineWatcher {
public:
    SimAgent(
        Ground& ground, Network& network, Promises& promises, Machine& machine, AgentPlan plan);
    ~SimAgent() override;
    SimAgent(const SimAgent&) = delete;
    SimAgent& operator=(const SimAgent&) = delete;

    void start();
    void crash();
    void restart_in(Duration span);
    /// SIGSTOP and SIGCONT: what happens meanwhile reaches it in one burst.
    void freeze() { frozen_ = core_ != nullptr; }
    void thaw();
    void wipe_spool();
    void fail_spool(bool fails) { spool_fails_ = fails; }
    /// Publishes differences between what it last saw and what lies on its mounts.
    void scan(ActionId action);
    /// Its machine goes down.
    void stop_guests(Duration deadline) {
        act([this, deadline] {
            input(agent::StopAsked{.deadline = deadline, .why = "host stops"});
        });
    }
    /// Somebody runs the wrapper of a VM by hand, and goes away when it is refused.
    void start_by_hand(const std::string& label);
    std::function<void(const msg::HandGrant&)> on_hand; ///< told of what is refused
    /// Emits `count` events of no consequence: a spool that fills.
    void chatter(std::size_t count);

    [[nodiscard]] const std::string& name() const override { return plan_.name; }
    [[nodiscard]] const AgentPlan& plan() const { return plan_; }
    [[nodiscard]] AgentPlan& plan() { return plan_; }
    [[nodiscard]] Machine& machine() const { return machine_; }
    [[nodiscard]] bool is_up() const { return core_ != nullptr; }
    [[nodiscard]] bool is_frozen() const { return frozen_; }
    [[nodiscard]] const agent::AgentCore* core() const { return core_.get(); }
    [[nodiscard]] const SimSpool& spool() const { return spool_; }

    void on_process(const ProcessRef& process) override;
    void on_event(const ProcessRef& process, agent::MonitorEvent event) override;
    void on_exit(const ProcessRef& process) override;

private:
    [[nodiscard]] Now clock() const;
    [[nodiscard]] WorkerRecord record() const;
    [[nodiscard]] InstanceRecord describe(const Process& process) const;
    [[nodiscard]] bool is_ours(const Process& process) const;
    [[nodiscard]] bool can_ask(const Process& process) const;

    /// Later, in this life only, and not while it is frozen.
    void later(Duration span, std::function<void()> deed);
    void act(std::function<void()> deed);
    void input(agent::Input input);
    void on_mail(Envelope envelope);
    void perform(const agent::Effects& effects);
    void perform(const agent::ToBroker& effect);
    void perform(const agent::Launch& effect);
    void perform(const agent::EndLaunch& effect);
    void perform(const agent::MonitorCommand& effect);
    void ask_later(const agent::MonitorCommand& effect, Duration waited);
    void perform(const agent::NoteState& effect);
    void perform(const agent::CheckImage& effect);
    void perform(const agent::SignalProcess& effect);
    void perform(const agent::RunOwnerCommand& effect);
    void perform(const agent::AskGuest& effect);
    void perform(const agent::RemoveInstance& effect);
    void perform(const agent::KeepRecord& effect) { kept_[effect.record.key] = effect.record; }
    void perform(const agent::ScanNow& effect);
    void perform(const agent::ProveRequest& effect);
    void perform(const agent::AnswerCaller& effect);
    void perform(const agent::ChangeRunLevel& effect);
    void perform(const agent::ArmTimer& effect);
    void perform(const agent::TellStop& /*effect*/) {}
    void perform(const agent::LogLine& effect);
    void perform(const agent::Spool& effect);
    void perform(const agent::TrimSpool& effect);
    void write_spool();
    void on_written(const agent::Spool& unit);
    void run_wrapper(const agent::Launch& launch);
    void dial(const ProcessRef& process, Duration after);
    void adopt();

    Ground& ground_;
    Network& network_;
    Promises& promises_;
    Machine& machine_;
    AgentPlan plan_;
    SimSpool spool_;
    bool spool_fails_ = false;
    std::uint64_t acknowledged_ = 0; ///< what the broker said it has

    std::unique_ptr<agent::AgentCore> core_;
    std::uint64_t life_ = 0;
    PeerId peer_;
    NonceId nonce_;
    Duration offset_{}; ///< its monotonic clock is its own
    bool frozen_ = false;
    std::vector<std::function<void()>> held_;
    std::vector<Envelope> mail_;
    std::deque<agent::Spool> writing_;
    std::map<agent::TimerKey, std::uint64_t> timers_;
    std::uint64_t timer_count_ = 0;
    std::set<InstanceKey> monitors_;
    std::map<InstanceKey, InstanceRecord> kept_; ///< in instance directories: survives a crash
    std::set<ActionId> ended_launches_;
    std::map<std::uint64_t, std::string> callers_;  ///< wrappers run by hand: configuration
    std::map<InstanceKey, std::uint64_t> wrappers_; ///< callers whose QEMU runs
    std::uint64_t last_caller_ = 0;
    std::map<std::string, PathFacts> scanned_; ///< configurations that were published
};

} // namespace ctys::sim
