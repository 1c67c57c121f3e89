#pragma once

#include "agent/core/core.h"
#include "agent/discovery/discovery.h"
#include "agent/scanner/scanner.h"
#include "agent/shell/door.h"
#include "agent/shell/exits.h"
#include "agent/shell/launcher.h"
#include "agent/shell/marked_pools.h"
#include "agent/shell/monitors.h"
#include "agent/shell/path_book.h"
#include "agent/shell/spool_store.h"
#include "agent/shell/unwritten.h"
#include "mesh/bus/socket.h"
#include "mesh/loop/worker_thread.h"
#include "mesh/setup/directories.h"

#include <map>
#include <memory>
#include <set>

namespace ctys::agent {

struct AgentOptions {
    WorkerRecord worker;
    std::vector<PoolSettings> pools;
    std::map<Owner, std::vector<std::string>> owner_commands; ///< with {label} {uuid} {pid}
    std::string programs;     ///< folder of ctys-probe, ctys-scan-helper and ctys-qemu-call
    std::string state;        ///< folder of this agent's own
    std::string mesh_runtime; ///< runtime directory that the agents of this machine share
    std::string socket;       ///< path of the agent's own socket
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

    /// Finds what runs, then registers with the broker. Errors: those of Discovery.
    [[nodiscard]] Status start(const bus::Endpoint& broker);
    /// Pools as the configuration has them now: new ones are scanned, the paths of those that are
    /// no longer named vanish. VMs go on.
    void use_pools(std::vector<PoolSettings> pools);
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
    [[nodiscard]] Status add_pool(PoolSettings pool);
    void forget_absent_pools();
    void adopt_directories();
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
    void prove(const ProveRequest& prove);
    void scan(ActionId action);

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
    Exits exits_;
    Launcher launcher_;
    Door door_;
    std::unique_ptr<Scanner> scanner_;
    std::unique_ptr<Discovery> discovery_;
    std::map<TimerKey, std::unique_ptr<loop::Timer>> timers_;
    std::map<InstanceKey, std::string> directories_;                 ///< of ours
    std::map<std::string, InstanceKey> keys_;                        ///< by directory
    std::map<std::string, std::unique_ptr<loop::Timer>> late_facts_; ///< by directory
    std::map<InstanceKey, loop::ChildProcess> owner_commands_;
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
    loop::WorkerThread<SpoolJob, SpoolOutcome> writer_; ///< last: ends first
};

} // namespace ctys::agent
