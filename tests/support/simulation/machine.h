#pragma once

#include "agent/core/effects.h"
#include "tests/support/simulation/disk.h"
#include "tests/support/simulation/ground.h"

#include <functional>
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
    Duration saves = std::chrono::milliseconds{200}; ///< QEMU hears nothing for so long
    bool fails_to_save = false;
    std::optional<std::string> cd = {}; ///< what its drive holds at the start; none: no drive
    /// The agent inside, by its channel; None: it has no channel.
    enum class Inside : std::uint8_t { None, Works, Silent, Refuses };
    Inside inside = Inside::None;
};

/// One QEMU.
struct Process {
    InstanceKey key;
    VmId vm;
    std::string label;
    std::string config;
    Storage* storage = nullptr;
    std::string below;
    [[nodiscard]] Directory* directory() const {
        if (storage == nullptr) return nullptr;
        const auto found = storage->directories.find(below);
        return found == storage->directories.end() ? nullptr : &found->second;
    }
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
    bool loads = false;  ///< goes on from its snapshot
    bool saves = false;  ///< QEMU hears nothing
    std::map<std::string, agent::JobFacts> jobs;
    std::vector<agent::DriveFacts> drives;
    bool lets_go = false; ///< opens a tray that it has locked when it is asked
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

class Machine;

/// What a VM goes through that may be a machine itself.
enum class Fate : std::uint8_t {
    Runs,   ///< its CPUs were let run
    Stands, ///< they stand still
    Asked,  ///< its power button was pressed, and its guest will obey
    Reset,
    Over, ///< its guest is off
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
    virtual void on_fate(const Process& process, Fate fate) = 0;
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

    /// Performs a command of a monitor, and fills in the reply. Not while it saves.
    void command(const ProcessRef& process,
                 const agent::MonitorCommand& command,
                 agent::MonitorReply& reply);
    /// Performs a command of a monitor; an error when QEMU refuses it.
    [[nodiscard]] std::optional<Error> command(const ProcessRef& process, agent::Monitor command);
    void signal(const ProcessRef& process, int signal);
    void shutdown_guest(const ProcessRef& process); ///< the guest powers off by itself
    void ask_inside(const ProcessRef& process);     ///< its guest agent is asked to, and can
    void reset_guest(const ProcessRef& process);
    /// The guest uses the medium, or not; it may let go of it when it is asked.
    void lock_tray(const ProcessRef& process, bool locks, bool lets_go);
    void move_tray(const ProcessRef& process, bool opens); ///< by the guest
    void crash(const ProcessRef& process);
    void kill(const ProcessRef& process); ///< by a person at the console
    /// Its power is off: every process is gone, and none can be started.
    void cut();
    /// It boots under a new id; its agents can be started after `boots`.
    void power(Duration boots);
    /// The machine boots anew: every process is gone, every agent must be started again.
    void reboot();
    [[nodiscard]] bool is_up() const { return up_; }
    [[nodiscard]] Instant ready() const { return ready_; }

    /// It is itself a VM, off until that runs. Its CPUs stand still while those of the VM do.
    void put_inside(const VmId& vm) { inside_ = vm, up_ = false; }
    [[nodiscard]] const VmId& inside() const { return inside_; }
    std::optional<InstanceKey> carrier; ///< the process it is now
    bool is_asleep = false;             ///< it is in the saved state of that VM
    void freeze() { frozen_ = true; }
    void thaw();
    [[nodiscard]] bool is_frozen() const { return frozen_; }
    /// After this time, and not while it is frozen; never when its power was cut meanwhile.
    void later(Duration span, std::function<void()> deed);

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
    VmId inside_;
    std::optional<Error> ask_for_tray(const ProcessRef& process);
    [[nodiscard]] std::optional<Error> change_medium(const ProcessRef& process,
                                                     const agent::MonitorCommand& command);
    void work_on_snapshot(const ProcessRef& process, const agent::MonitorCommand& command);
    void save(const ProcessRef& process, const agent::StateJob& job);
    void conclude(const ProcessRef& process, const std::string& job, std::string error);

    bool up_ = true;
    bool frozen_ = false;
    Instant ready_;
    std::vector<std::function<void()>> held_;
    std::uint32_t last_pid_ = 100;
    std::map<InstanceKey, ProcessRef> processes_;
    std::map<InstanceKey, ProcessRef> directories_;
    std::vector<MachineWatcher*> watchers_;
};

} // namespace ctys::sim
