#include "tests/support/simulation/machine.h"

#include "mesh/qemu/saved_state.h"

#include <algorithm>
#include <csignal>

namespace ctys::sim {

using agent::Monitor;
using What = agent::MonitorEvent::What;

Machine::Machine(Ground& ground, Witness& witness, std::string name)
    : ground_(ground), witness_(witness), name_(std::move(name)),
      boot_(ground.random.id<BootId>()) {}

ProcessRef Machine::find(const InstanceKey& key) const {
    const auto found = processes_.find(key);
    return found == processes_.end() ? nullptr : found->second;
}

ProcessRef Machine::start(Process described) {
    auto process = std::make_shared<Process>(std::move(described));
    process->key = {.boot = boot_,
                    .pid = ++last_pid_,
                    .start_ticks = static_cast<std::uint64_t>(
                        ground_.schedule.now().since_start.count() / 10000)};
    process->started = ground_.schedule.clock().wall;
    processes_[process->key] = process;
    if (process->managed) directories_[process->key] = process;
    ground_.tell([&] {
        return fmt::format("{}: qemu {} of {} ({})",
                           name_,
                           process->key.pid,
                           process->label,
                           process->managed ? "managed, -S" : to_string(process->owner));
    });
    if (!process->managed) let_run(process);
    const auto* directory = process->directory();
    if (process->loads && directory != nullptr && !directory->loads) {
        later(std::chrono::milliseconds{8}, [this, process] {
            end(process,
                {.by = EndedBy::Unknown,
                 .evidence = Evidence::Stderr,
                 .exit_code = 1,
                 .detail = "Error -22 while loading VM state",
                 .at = {}});
        });
    }
    const auto watchers = watchers_;
    for (auto* watcher : watchers) {
        watcher->on_process(process);
    }
    return process;
}

std::vector<ProcessRef> Machine::directories(const std::string& agent) const {
    std::vector<ProcessRef> out;
    for (const auto& [key, process] : directories_) {
        if (process->agent == agent) out.push_back(process);
    }
    return out;
}

void Machine::event(const ProcessRef& process, What what, bool by_guest, std::string reason) {
    if (!process->has_monitor) return;
    const auto watchers = watchers_;
    for (auto* watcher : watchers) {
        watcher->on_event(process,
                          {.key = process->key,
                           .what = what,
                           .by_guest = by_guest,
                           .reason = reason,
                           .time = ground_.schedule.clock().wall});
    }
}

void Machine::let_run(const ProcessRef& process) {
    process->ran = true;
    process->state = VmState::Running;
    witness_.on_let_run(*process);
    witness_.on_fate(*process, Fate::Runs);
}

std::optional<Error> Machine::command(const ProcessRef& process, Monitor command) {
    ground_.tell([&] {
        return fmt::format(
            "{}: {} to qemu {} of {}", name_, to_string(command), process->key.pid, process->label);
    });
    switch (command) {
    case Monitor::Cont:
        if (process->is_off)
            return Error{.code = ErrorCode::Failed,
                         .message = "Resetting the Virtual Machine is required"};
        if (process->state == VmState::Running) return std::nullopt;
        let_run(process);
        event(process, What::Resume, false, {});
        return std::nullopt;
    case Monitor::Stop:
        witness_.on_stopped(*process);
        if (process->state != VmState::Running) return std::nullopt;
        process->state = VmState::Paused;
        witness_.on_fate(*process, Fate::Stands);
        event(process, What::Stop, false, {});
        return std::nullopt;
    case Monitor::Powerdown:
        press_button(process);
        return std::nullopt;
    case Monitor::Wakeup:
        if (process->state != VmState::Suspended)
            return Error{.code = ErrorCode::Failed,
                         .message = "Unable to wake up: guest is not in suspended state"};
        process->state = VmState::Running;
        event(process, What::Wakeup, false, {});
        return std::nullopt;
    case Monitor::Reset:
        witness_.on_reset(*process);
        reset(process);
        return std::nullopt;
    case Monitor::Quit:
        witness_.on_cut(*process, "quit");
        if (process->guest.survives_quit || process->guest.survives_kill) return std::nullopt;
        event(process, What::Shutdown, false, "host-qmp-quit");
        end(process,
            {.by = EndedBy::Host,
             .evidence = Evidence::Qmp,
             .exit_code = 0,
             .detail = {},
             .at = {}});
        return std::nullopt;
    case Monitor::ShutdownPauses:
    case Monitor::ShutdownPowersOff:
        process->shutdown_pauses = command == Monitor::ShutdownPauses;
        return std::nullopt;
    case Monitor::QueryStatus:
    case Monitor::QueryDisks:
    case Monitor::QueryJobs:
    case Monitor::SaveState:
    case Monitor::LoadState:
    case Monitor::DeleteState:
    case Monitor::CancelJob:
    case Monitor::DismissJob:
    case Monitor::QueryDrives:
    case Monitor::OpenTray:
    case Monitor::Eject:
    case Monitor::ChangeMedium:
        return std::nullopt;
    }
    return std::nullopt;
}

void Machine::command(const ProcessRef& process,
                      const agent::MonitorCommand& command,
                      agent::MonitorReply& reply) {
    reply.error = this->command(process, command.command);
    auto* directory = process->directory();
    const auto unknown = Error{.code = ErrorCode::Failed, .message = "Job not found"};
    switch (command.command) {
    case Monitor::QueryDisks:
        if (directory == nullptr) return;
        reply.disks.push_back({.name = "ide0-hd0",
                               .node = "#block1",
                               .file = process->below + "/hda.img",
                               .format = directory->format});
        for (const auto& [name, at] : directory->named) {
            reply.disks.back().snapshots.push_back(
                {.name = name, .at = at, .state_bytes = 1024 * 1024});
        }
        return;
    case Monitor::QueryJobs:
        for (const auto& [id, job] : process->jobs) {
            reply.jobs.push_back(job);
        }
        return;
    case Monitor::SaveState:
        if (command.job.tag == qemu::saved_state_tag) return save(process, command.job);
        [[fallthrough]];
    case Monitor::LoadState:
        return work_on_snapshot(process, command);
    case Monitor::DeleteState:
        if (directory != nullptr && command.job.tag == qemu::saved_state_tag)
            directory->snapshot.reset();
        if (directory != nullptr) directory->named.erase(command.job.tag);
        process->jobs[command.job.id] = {.id = command.job.id};
        return conclude(process, command.job.id, {});
    case Monitor::CancelJob:
        reply.error = unknown;
        return;
    case Monitor::QueryDrives:
        reply.drives = process->drives;
        return;
    case Monitor::OpenTray:
        reply.error = ask_for_tray(process);
        return;
    case Monitor::Eject:
    case Monitor::ChangeMedium:
        reply.error = change_medium(process, command);
        return;
    case Monitor::DismissJob:
        if (process->jobs.erase(command.job.id) == 0) reply.error = unknown;
        return;
    default:
        return;
    }
}

std::optional<Error> Machine::ask_for_tray(const ProcessRef& process) {
    if (process->drives.empty())
        return Error{.code = ErrorCode::Failed, .message = "Device not found"};
    const auto& drive = process->drives.front().drive;
    if (drive.is_open) return std::nullopt;
    if (!drive.is_locked) {
        move_tray(process, /*opens=*/true);
        return std::nullopt;
    }
    if (process->lets_go) move_tray(process, /*opens=*/true);
    return Error{.code = ErrorCode::Failed,
                 .message = "Device is locked and force was not specified, wait for tray to open "
                            "and try again"};
}

std::optional<Error> Machine::change_medium(const ProcessRef& process,
                                            const agent::MonitorCommand& command) {
    const auto refuse = [](std::string why) {
        return Error{.code = ErrorCode::Failed, .message = std::move(why)};
    };
    if (process->drives.empty()) return refuse("Device not found");
    auto& drive = process->drives.front().drive;
    if (drive.is_locked && !drive.is_open && !command.medium.force)
        return refuse("Device is locked and force was not specified");
    if (!drive.is_open) move_tray(process, /*opens=*/true);
    drive.image = command.medium.image; // of an eject: none
    ground_.tell([&] { return fmt::format("{} holds \"{}\"", process->label, drive.image); });
    if (command.command == Monitor::ChangeMedium) move_tray(process, /*opens=*/false);
    return std::nullopt;
}

void Machine::lock_tray(const ProcessRef& process, bool locks, bool lets_go) {
    process->lets_go = lets_go;
    for (auto& each : process->drives)
        each.drive.is_locked = locks;
}

void Machine::move_tray(const ProcessRef& process, bool opens) {
    for (auto& each : process->drives) {
        each.drive.is_open = opens;
        if (opens) each.drive.is_locked = false;
        for (auto* watcher : std::vector{watchers_}) {
            watcher->on_event(process,
                              {.key = process->key,
                               .what = What::TrayMoved,
                               .reason = each.drive.name,
                               .time = ground_.schedule.clock().wall,
                               .is_open = opens});
        }
    }
}

// In its main loop: nobody is answered meanwhile.
void Machine::save(const ProcessRef& process, const agent::StateJob& job) {
    process->saves = true;
    process->jobs[job.id] = {.id = job.id};
    later(process->guest.saves, [this, process, id = job.id] {
        process->saves = false;
        auto* directory = process->directory();
        if (process->ended || directory == nullptr) return;
        if (process->guest.fails_to_save) return conclude(process, id, "No space left on device");
        directory->snapshot = directory->moves;
        directory->is_touched = false;
        conclude(process, id, {});
    });
}

// The CPUs stand meanwhile, and go on as they did before.
void Machine::work_on_snapshot(const ProcessRef& process, const agent::MonitorCommand& command) {
    const bool ran = process->state == VmState::Running;
    process->saves = true;
    process->jobs[command.job.id] = {.id = command.job.id};
    if (ran) {
        process->state = VmState::Paused;
        witness_.on_fate(*process, Fate::Stands);
        event(process, What::Stop, false, {});
    }
    later(process->guest.saves, [this, process, command, ran] {
        process->saves = false;
        auto* directory = process->directory();
        if (process->ended || directory == nullptr) return;
        const bool loads = command.command == Monitor::LoadState;
        const bool fails = process->guest.fails_to_save;
        ground_.tell([&] {
            return fmt::format(
                "{}: {} {}", process->label, loads ? "loads" : "saves", command.job.tag);
        });
        // What could not be loaded stands.
        if (ran && !(loads && fails)) {
            process->state = VmState::Running;
            witness_.on_fate(*process, loads ? Fate::Reset : Fate::Runs);
            event(process, What::Resume, false, {});
        }
        if (!loads && !fails) directory->named[command.job.tag] = ground_.schedule.clock().wall;
        conclude(process, command.job.id, fails ? "Input/output error" : "");
    });
}

void Machine::conclude(const ProcessRef& process, const std::string& job, std::string error) {
    auto& facts = process->jobs[job];
    facts.concluded = true;
    facts.error = std::move(error);
    event(process, What::JobConcluded, false, job);
}

void Machine::reset(const ProcessRef& process) {
    event(process, What::Reset, false, "host-qmp-system-reset");
    event(process, What::Reset, true, "guest-reset");
    // A reset after a power-off that only paused leaves the CPUs stopped, ready for cont.
    if (process->is_off) process->state = VmState::Paused;
    process->is_off = false;
    if (process->state == VmState::Suspended) process->state = VmState::Running;
    witness_.on_fate(*process, Fate::Reset);
}

void Machine::press_button(const ProcessRef& process) {
    event(process, What::Powerdown, false, {});
    if (process->state != VmState::Running || !process->guest.obeys) return;
    witness_.on_fate(*process, Fate::Asked);
    later(process->guest.takes, [this, process] { shutdown_guest(process); });
}

void Machine::ask_inside(const ProcessRef& process) {
    if (process->state != VmState::Running) return;
    witness_.on_fate(*process, Fate::Asked);
    later(process->guest.takes, [this, process] { shutdown_guest(process); });
}

void Machine::shutdown_guest(const ProcessRef& process) {
    if (process->ended || process->state != VmState::Running || process->is_off) return;
    event(process, What::Shutdown, true, "guest-shutdown");
    if (process->shutdown_pauses) {
        process->is_off = true;
        process->state = VmState::Paused;
        witness_.on_fate(*process, Fate::Over);
        event(process, What::Stop, false, {});
        return;
    }
    end(process,
        {.by = process->has_monitor ? EndedBy::Guest : EndedBy::Unknown,
         .evidence = process->has_monitor ? Evidence::Qmp : Evidence::None,
         .exit_code = 0,
         .detail = {},
         .at = {}});
}

void Machine::reset_guest(const ProcessRef& process) {
    if (process->ended || process->state != VmState::Running) return;
    event(process, What::Reset, true, "guest-reset");
    witness_.on_fate(*process, Fate::Reset);
}

void Machine::crash(const ProcessRef& process) {
    if (process->ended) return;
    end(process,
        {.by = EndedBy::Crash,
         .evidence = Evidence::ExitStatus,
         .exit_code = -1,
         .signal = SIGSEGV,
         .detail = "SIGSEGV",
         .at = {}});
}

void Machine::kill(const ProcessRef& process) {
    if (process->ended) return;
    end(process,
        {.by = EndedBy::Signal,
         .evidence = Evidence::ExitStatus,
         .exit_code = -1,
         .signal = SIGKILL,
         .detail = "SIGKILL",
         .at = {}});
}

void Machine::signal(const ProcessRef& process, int signal) {
    ground_.tell([&] {
        return fmt::format(
            "{}: signal {} to qemu {} of {}", name_, signal, process->key.pid, process->label);
    });
    witness_.on_cut(*process, signal == SIGKILL ? "SIGKILL" : "SIGTERM");
    if (process->ended || process->guest.survives_kill) return;
    if (signal != SIGKILL && process->guest.survives_quit) return;
    if (signal != SIGKILL) event(process, What::Shutdown, false, "host-signal");
    end(process,
        {.by = EndedBy::Signal,
         .evidence = Evidence::ExitStatus,
         .exit_code = signal == SIGKILL ? -1 : 0,
         .signal = signal,
         .detail = {},
         .at = {}});
}

void Machine::end(const ProcessRef& process, Ending ending) {
    if (process->ended) return;
    ending.at = ground_.schedule.clock().wall;
    process->ended = ending;
    processes_.erase(process->key);
    witness_.on_ended(*process);
    witness_.on_fate(*process, Fate::Over);
    ground_.tell([&] {
        return fmt::format("{}: qemu {} of {} ended by {}",
                           name_,
                           process->key.pid,
                           process->label,
                           to_string(ending.by));
    });
    const auto watchers = watchers_;
    for (auto* watcher : watchers) {
        watcher->on_exit(process);
    }
}

void Machine::cut() {
    watchers_.clear();
    up_ = frozen_ = is_asleep = false;
    held_.clear();
    const auto ending = std::exchange(processes_, {});
    for (const auto& [key, process] : ending) {
        process->ended =
            Ending{.by = EndedBy::Host, .detail = "reboot", .at = ground_.schedule.clock().wall};
    }
    directories_.clear(); // they lie below /run
    for (const auto& [key, process] : ending) {
        witness_.on_fate(*process, Fate::Over);
    }
}

void Machine::power(Duration boots) {
    up_ = true;
    ready_ = ground_.schedule.now() + boots;
    boot_ = ground_.random.id<BootId>();
    last_pid_ = 100;
}

void Machine::reboot() {
    cut();
    power(Duration{0});
}

void Machine::thaw() {
    frozen_ = false;
    for (auto& deed : std::exchange(held_, {})) {
        deed();
    }
}

void Machine::later(Duration span, std::function<void()> deed) {
    ground_.schedule.after(span, [this, boot = boot_, deed = std::move(deed)] {
        if (boot != boot_ || !up_) return;
        if (frozen_) {
            held_.push_back(deed);
        } else {
            deed();
        }
    });
}

} // namespace ctys::sim
