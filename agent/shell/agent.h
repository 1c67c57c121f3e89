#pragma once

#include "agent/core/core.h"
#include "agent/discovery/discovery.h"
#include "agent/scanner/scanner.h"
#include "agent/shell/door.h"
#include "agent/shell/exits.h"
#include "agent/shell/guest_channels.h"
#include "agent/shell/image_checks.h"
#include "agent/shell/launcher.h"
#include "agent/shell/marked_pools.h"
#include "agent/shell/monitors.h"
#include "agent/shell/path_book.h"
#include "agent/shell/spool_store.h"
#include "agent/shell/state_notes.h"
#include "agent/shell/surveyor.h"
#include "agent/shell/unwritten.h"
#include "mesh/bus/socket.h"
#include "mesh/loop/worker_thread.h"
#include "mesh/setup/directories.h"

#include <map>
#include <memory>
#include <set>

namespace ctys::agent {

/// How this machine goes down: `[self]` of agent.toml.
struct SelfCommands {
    std::vector<std::string> power_off;
    std::vector<std::string> reboot;
    std::vector<std::string> run_level; ///< with {level}
    std::string why_not;                ///< this agent may not; empty: it may
};

struct AgentOptions {
    WorkerRecord worker;
    std::vector<PoolSettings> pools;
    OwnerCommands owner_commands;                   ///< as the settings name them
    SelfCommands self;                              ///< of its own machine
    std::vector<std::string> survey = {};           ///< surveys this machine; empty: nobody does
    std::vector<std::string> emulator_folders = {}; ///< as the settings name them
    std::string programs;     ///< folder of ctys-probe, ctys-scan-helper and ctys-qemu-call
    std::string state;        ///< folder of this agent's own
    std::string mesh_runtime; ///< runtime directory that the agents of this machine share
    std::string socket;       ///< path of the agent's own socket
    Duration stop_deadline = std::chrono::seconds{180}; ///< as CoreSettings
    /// How far stop_guests() is; `done` at its end.
    std::function<void(const msg::GuestsStopping&)> on_stop = {};
    /// Its only work is to stop the VMs: pools are left alone where it is known what they hold.
    bool only_stops = false;
};

/// Performs what the core decides, and tells it what happens on this machine. Holds no rule of its
/// own.
class Agent {
public:
    Agent(loop::EventLoop& loop,
          bus::Context& context,
          setup::Logger& log,
          AgentOptions options,
          SpoolStore& spool,
          InstanceDirs dirs,
          bus::SocketOptions socket_options);

    /// Finds what runs, then registers with the broker, if there is to be one. Errors: those of
    /// Discovery.
    [[nodiscard]] Status start(const std::optional<bus::Endpoint>& broker);
    /// Pools as the configuration has them now: new ones are scanned, the paths of those that are
    /// no longer named vanish. VMs go on.
    void use_pools(std::vector<PoolSettings> pools);
    /// Commands of owners as the configuration has them now.
    void use_owners(OwnerCommands commands);
    /// Looks anew at what this machine has to run VMs with; VMs that start later use it.
    void survey() { surveyor_.begin(); }
    /// The VMs of this machine are stopped, as soon as it is known what runs; again: what is waited
    /// for is told.
    void stop_guests(StopAsked asked);
    [[nodiscard]] bool is_stopping_guests() const {
        return stop_asked_.has_value() || (core_ && core_->is_stopping_guests());
    }
    /// Calls `then` when the broker has everything, or is away, or after `patience`.
    void drain(Duration patience, std::function<void()> then);
    /// VMs go on; the spool is written to its end.
    void stop();

private:
    static constexpr std::size_t unwritten_limit = 8UL * 1024 * 1024;

    struct SpoolJob {
        std::uint64_t number = 0; ///< orders the units
        std::vector<Spool> units; ///< exactly one, or none
        std::optional<TrimSpool> trim;
        std::vector<PathFacts> paths; ///< to be kept
        std::vector<std::string> lost_paths;
    };
    struct SpoolOutcome {
        SpoolJob job;
        Status status;
    };
    static std::vector<SpoolOutcome> work(SpoolStore& spool, std::vector<SpoolJob> jobs);

    // What happens.
    void on_message(bus::Message& message);
    void on_process(const ProcessFacts& facts);
    void on_dialled(const std::string& directory, std::uint32_t pid);
    void wait_for_facts(const std::string& directory, const InstanceKey& key, int tries);
    void on_spooled(std::vector<SpoolOutcome> outcomes);
    void on_paths(const std::string& root, PathChanges changes);
    void on_pool(const PoolScan& scan);
    void on_monitor(Input input);
    void on_guest(GuestAnswered answered);
    [[nodiscard]] Status add_pool(PoolSettings pool);
    void forget_absent_pools();
    void adopt_directories();
    /// What has ended between the look at the folders and the one at the processes.
    void adopt_unseen();
    /// False where its shim has not written how it ended.
    [[nodiscard]] bool tell_ended(const std::string& directory, const InstanceRecord& record);
    void begin_when_ready();
    void tell_foreign(const ProcessFacts& facts);
    [[nodiscard]] bool
    tell_ours(const std::string& directory, const InstanceKey& key, bool from_dial);

    // What is to be done.
    void step(Input input);
    void perform(Effects effects);
    void perform(Deed& deed);
    void submit(SpoolJob job);
    void trim(const TrimSpool& trim);
    void put_off(std::uint64_t number, Spool unit);
    void write_again();
    void on_exited(Exited exited);
    void arm(const ArmTimer& timer);
    void run_owner_command(const RunOwnerCommand& command);
    [[nodiscard]] Status begin_owner_command(const RunOwnerCommand& command);
    void look_for_owners();
    void ask_guest(const AskGuest& question);
    void change_run_level(const ChangeRunLevel& change);
    void prove(const ProveRequest& prove);
    void scan(ActionId action);
    void on_surveyed(const WorkerRecord& found, WallTime begun);
    /// As CoreSettings.
    [[nodiscard]] Duration survey_patience() const;

    loop::EventLoop& loop_;
    setup::Logger& log_;
    AgentOptions options_;
    SpoolStore& spool_;
    InstanceDirs dirs_;
    PathBook book_;
    MarkedPools marked_;
    std::unique_ptr<AgentCore> core_;
    bus::Socket socket_;
    Monitors monitors_;
    GuestChannels guest_channels_;
    Exits exits_;
    Launcher launcher_;
    StateNotes state_notes_;
    ImageChecks image_checks_;
    Surveyor surveyor_;
    Door door_;
    std::unique_ptr<Scanner> scanner_;
    std::unique_ptr<Discovery> discovery_;
    std::map<TimerKey, std::unique_ptr<loop::Timer>> timers_;
    std::map<InstanceKey, std::string> directories_;                 ///< of ours
    std::map<std::string, InstanceKey> keys_;                        ///< by directory
    std::map<std::string, std::unique_ptr<loop::Timer>> late_facts_; ///< by directory
    std::map<InstanceKey, loop::ChildProcess> owner_commands_;
    loop::Timer owners_look_; ///< whether their programs are there
    std::optional<loop::ChildProcess> run_level_command_;
    std::uint64_t last_unit_ = 0;
    bool is_failing_ = false;              ///< since a failed write, until the next attempt
    Unwritten unwritten_{unwritten_limit}; ///< tried again each second
    loop::Timer retry_;
    std::optional<TrimSpool> trim_; ///< to be written with the next unit, or after a second
    loop::Timer trimming_;
    loop::Timer patience_;
    std::vector<ProcessFacts> early_; ///< foreign ones, until the configurations are known
    std::set<std::string> unscanned_;
    bool settled_ = false;
    bool begun_ = false;
    std::optional<StopAsked> stop_asked_; ///< before it was known what runs
    loop::Timer draining_;
    loop::WorkerThread<SpoolJob, SpoolOutcome> writer_; ///< last: ends first
};

} // namespace ctys::agent
