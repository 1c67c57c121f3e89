#pragma once

#include "agent/core/effects.h"
#include "tests/support/simulation/disk.h"
#include "tests/support/simulation/ground.h"

#include <map>
#include <memory>
#include <vector>

namespace ctys::sim {

/// What a guest does when its power button is pressed.
struct Guest {
    bool obeys = true;
    Duration takes = std::chrono::milliseconds{300};
    bool survives_quit = false; ///< QEMU hangs: only SIGKILL ends it
    bool survives_kill = false; ///< in uninterruptible sleep until the machine reboots
};

/// One QEMU.
struct Process {
    InstanceKey key;
    VmId vm;
    std::string label;
    std::string config;
    const Storage* storage = nullptr;
    std::string below;
    bool managed = false;
    Owner owner = Owner::ByHand;
    std::string agent; ///< of managed ones: whose instance directory it dials
    ActionId action;
    std::uint64_t token = 0;
    bool has_monitor = true;
    VmState state = VmState::Starting; ///< Starting: it stands with -S
    bool ran = false;                  ///< its CPUs were let run at least once
    bool shutdown_pauses = false;
    bool is_off = false; ///< powered off with shutdown=pause
    Guest guest;
    WallTime started;
    std::optional<Ending> ended;
};
using ProcessRef = std::shared_ptr<Process>;

/// An agent's discovery and monitors.
class MachineWatcher {
public:
    virtual ~MachineWatcher() = default;
    [[nodiscard]] virtual const std::string& name() const = 0;
    virtual void on_process(const ProcessRef& process) = 0;
    virtual void on_event(const ProcessRef& process, agent::MonitorEvent event) = 0;
    virtual void on_exit(const ProcessRef& process) = 0;
};

/// Told of what is done to VMs, at the moment QEMU does it.
class Witness {
public:
    virtual ~Witness() = default;
    virtual void on_let_run(const Process& process) = 0;
    virtual void on_cut(const Process& process, std::string_view how) = 0;
    virtual void on_stopped(const Process& process) = 0;
    virtual void on_reset(const Process& process) = 0;
    virtual void on_ended(const Process& process) = 0;
};

/// A machine with its QEMU processes, as FIELD-GUIDE 5.2 says they behave.
class Machine {
public:
    Machine(Ground& ground, Witness& witness, std::string name);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] BootId boot() const { return boot_; }
    [[nodiscard]] const std::map<InstanceKey, ProcessRef>& processes() const { return processes_; }
    [[nodiscard]] ProcessRef find(const InstanceKey& key) const;
    void add(MachineWatcher& watcher) { watchers_.push_back(&watcher); }
    void remove(MachineWatcher& watcher) { std::erase(watchers_, &watcher); }

    /// Starts a QEMU; nothing when its image is locked by another one.
    ProcessRef start(Process process);
    /// Managed processes whose directory was not removed yet, ended ones too.
    [[nodiscard]] std::vector<ProcessRef> directories(const std::string& agent) const;
    void remove_directory(const InstanceKey& key) { directories_.erase(key); }

    /// Performs a command of a monitor; an error when QEMU refuses it.
    [[nodiscard]] std::optional<Error> command(const ProcessRef& process, agent::Monitor command);
    void signal(const ProcessRef& process, int signal);
    void shutdown_guest(const ProcessRef& process); ///< the guest powers off by itself
    void reset_guest(const ProcessRef& process);
    void crash(const ProcessRef& process);
    /// The machine boots anew: every process is gone, every agent must be started again.
    void reboot();

private:
    void event(const ProcessRef& process,
               agent::MonitorEvent::What what,
               bool by_guest,
               std::string reason);
    void press_button(const ProcessRef& process);
    void let_run(const ProcessRef& process);
    void reset(const ProcessRef& process);
    void end(const ProcessRef& process, Ending ending);

    Ground& ground_;
    Witness& witness_;
    std::string name_;
    BootId boot_;
    std::uint32_t last_pid_ = 100;
    std::map<InstanceKey, ProcessRef> processes_;
    std::map<InstanceKey, ProcessRef> directories_;
    std::vector<MachineWatcher*> watchers_;
};

} // namespace ctys::sim
