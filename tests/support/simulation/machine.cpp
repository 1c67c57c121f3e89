#include "tests/support/simulation/machine.h"

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
        return std::nullopt;
    }
    return std::nullopt;
}

void Machine::reset(const ProcessRef& process) {
    event(process, What::Reset, false, "host-qmp-system-reset");
    event(process, What::Reset, true, "guest-reset");
    // A reset after a power-off that only paused leaves the CPUs stopped, ready for cont.
    if (process->is_off) process->state = VmState::Paused;
    process->is_off = false;
    if (process->state == VmState::Suspended) process->state = VmState::Running;
}

void Machine::press_button(const ProcessRef& process) {
    event(process, What::Powerdown, false, {});
    if (process->state != VmState::Running || !process->guest.obeys) return;
    ground_.schedule.after(process->guest.takes, [this, process] { shutdown_guest(process); });
}

void Machine::shutdown_guest(const ProcessRef& process) {
    if (process->ended || process->state != VmState::Running || process->is_off) return;
    event(process, What::Shutdown, true, "guest-shutdown");
    if (process->shutdown_pauses) {
        process->is_off = true;
        process->state = VmState::Paused;
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

void Machine::reboot() {
    watchers_.clear();
    for (const auto& [key, process] : processes_) {
        process->ended =
            Ending{.by = EndedBy::Host, .detail = "reboot", .at = ground_.schedule.clock().wall};
    }
    processes_.clear();
    directories_.clear(); // they lie below /run
    boot_ = ground_.random.id<BootId>();
    last_pid_ = 100;
}

} // namespace ctys::sim
