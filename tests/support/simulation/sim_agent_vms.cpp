// What a simulated agent does to its machine: wrappers, monitors, scans, proofs.

#include "tests/support/simulation/sim_agent.h"

#include <csignal>

namespace ctys::sim {

using std::chrono::milliseconds;

bool SimAgent::is_ours(const Process& process) const {
    return plan_.shows_directories && process.managed && process.agent == plan_.name;
}

bool SimAgent::can_ask(const Process& process) const {
    if (process.managed) return is_ours(process);
    return process.has_monitor && process.owner != Owner::Libvirt &&
           process.owner != Owner::Proxmox;
}

InstanceRecord SimAgent::describe(const Process& process) const {
    InstanceRecord row;
    row.key = process.key;
    row.vm = process.vm;
    row.worker = plan_.id;
    row.label = process.label;
    row.managed = is_ours(process);
    row.owner = process.managed ? Owner::Ctys : process.owner;
    row.state = row.managed && !process.ran ? VmState::Starting : VmState::Running;
    if (row.state == VmState::Starting && process.loads) row.reason = reason::resuming;
    row.since = process.started;
    row.started = process.started;
    row.user = "root";
    row.executable = "/usr/bin/qemu-system-x86_64";
    row.config = process.config;
    row.can_ask = can_ask(process);
    if (!row.can_ask) row.note = "no monitor: can be watched, not asked";
    if (row.managed) {
        row.started_by = process.action;
        row.token = process.token;
    }
    return row;
}

void SimAgent::on_process(const ProcessRef& process) {
    const bool ours = is_ours(*process);
    const auto delay = ours ? ground_.random.between(milliseconds{1}, milliseconds{5})
                            : ground_.random.between(milliseconds{2}, milliseconds{1000});
    later(delay, [this, process, ours] {
        if (process->ended && !ours) return; // came and went between two polls
        input(agent::Appeared{describe(*process), false});
        if (process->ended) return input(agent::Exited{process->key, *process->ended});
        if (can_ask(*process))
            dial(process, ground_.random.between(milliseconds{10}, milliseconds{80}));
    });
}

void SimAgent::dial(const ProcessRef& process, Duration after) {
    later(after, [this, process] {
        if (process->ended) return;
        monitors_.insert(process->key);
        const auto state = process->ran ? process->state : VmState::Starting;
        agent::MonitorUp up{.key = process->key,
                            .state = state,
                            .reason = process->is_off ? "shutdown" : "",
                            .accelerator = "tcg",
                            .version = "7.2",
                            .display = {},
                            .has_guest_agent =
                                is_ours(*process) && process->guest.inside != Guest::Inside::None};
        for (const auto& each : process->drives)
            up.drives.push_back(each.drive);
        input(std::move(up));
    });
}

void SimAgent::on_event(const ProcessRef& process, agent::MonitorEvent event) {
    if (!monitors_.contains(process->key)) return;
    later(milliseconds{1}, [this, event] { input(event); });
}

void SimAgent::on_exit(const ProcessRef& process) {
    if (ground_.mutant == Mutant::ExitUnnoticed && ground_.random.chance(20)) return;
    if (const auto wrapper = wrappers_.extract(process->key)) {
        later(milliseconds{1},
              [this, caller = wrapper.mapped()] { input(agent::CallerGone{caller}); });
    }
    auto ending = *process->ended;
    if (!can_ask(*process)) ending = Ending{.detail = {}, .at = ending.at};
    later(milliseconds{2}, [this, process, ending] {
        if (monitors_.erase(process->key) > 0) input(agent::MonitorDown{process->key});
        input(agent::Exited{process->key, ending});
    });
}

void SimAgent::perform(const agent::Launch& effect) {
    // A wrapper looks whether it may, then runs.
    later(ground_.random.between(milliseconds{3}, milliseconds{60}), [this, effect] {
        const auto* directory = promises_.estate().directory_of(plan_.mounts, effect.config);
        if (directory == nullptr)
            return input(agent::LaunchEnded{effect.action, 1, "no such file"});
        if (!directory->wrapper_works)
            return input(agent::LaunchEnded{effect.action, 1, "HWREQ is not met"});
        const auto takes = ground_.random.between(milliseconds{3}, milliseconds{60});
        // Once it runs, the wrapper needs no agent any more.
        const auto slow = promises_.estate().slow_wrappers && ground_.random.chance(4)
                              ? Duration{std::chrono::seconds{35}}
                              : takes;
        machine_.later(slow, [this, effect] { run_wrapper(effect); });
    });
}

void SimAgent::perform(const agent::EndLaunch& effect) {
    ended_launches_.insert(effect.action);
    const auto processes = machine_.processes();
    for (const auto& [key, process] : processes) {
        if (is_ours(*process) && process->action == effect.action)
            machine_.signal(process, SIGKILL);
    }
}

void SimAgent::run_wrapper(const agent::Launch& launch) {
    if (ended_launches_.contains(launch.action)) return;
    Process process;
    process.vm = launch.vm;
    process.label = launch.label;
    process.config = launch.config;
    process.managed = true;
    process.owner = Owner::Ctys;
    process.agent = plan_.name;
    process.action = launch.action;
    process.token = launch.token;
    process.guest = promises_.estate().guest_of(launch.label);
    if (const auto& cd = process.guest.cd) {
        process.drives = {{.drive = {.name = "ide2-cd0", .image = *cd, .has_tray = true},
                           .device = "/machine/cd"}};
    }
    const bool there = promises_.estate().locate(plan_.mounts, launch.config, process);
    if (auto* directory = process.directory()) {
        if (launch.discard_state) directory->noted = false;
        process.loads = directory->noted;
    }
    if (there && !promises_.estate().is_locked(process)) {
        if (process.loads) promises_.on_load(process);
        machine_.start(std::move(process));
        return;
    }
    later(milliseconds{5}, [this, launch, there] {
        input(
            agent::LaunchEnded{.action = launch.action,
                               .exit_code = 1,
                               .output = there ? "Failed to get \"write\" lock" : "no such file"});
    });
}

// A QEMU that saves hears what it was told when it is done; it was given up long before.
void SimAgent::ask_later(const agent::MonitorCommand& effect, Duration waited) {
    const auto patience = std::chrono::seconds{5};
    const auto pause = milliseconds{50};
    if (waited < patience && waited + pause >= patience) {
        input(agent::MonitorReply{
            .key = effect.key,
            .number = effect.number,
            .error = Error{.code = ErrorCode::TimedOut, .message = "no answer within 5 s"},
            .reason = {}});
    }
    later(pause, [this, effect, waited, pause, patience] {
        const auto process = machine_.find(effect.key);
        if (process && process->saves) return ask_later(effect, waited + pause);
        if (waited + pause < patience) return perform(effect);
        agent::MonitorReply unheard{.key = effect.key, .number = 0, .reason = {}};
        if (process) machine_.command(process, effect, unheard);
    });
}

// The process of the owner outlives the agent.
void SimAgent::perform(const agent::NoteState& effect) {
    machine_.later(milliseconds{10}, [this, effect, life = life_] {
        Process at;
        agent::StateNoted noted{.key = effect.key,
                                .number = effect.number,
                                .config = effect.config,
                                .saved = effect.saved};
        const bool is_there = promises_.estate().locate(plan_.mounts, effect.config, at);
        auto* directory = at.directory();
        const bool is_right = directory != nullptr && !effect.saved && !directory->noted;
        if (!is_there || (!directory->takes_notes && !is_right)) {
            noted.error = Error{.code = ErrorCode::Failed, .message = "cannot write the note"};
        } else {
            ground_.tell([&] {
                return fmt::format("{} is {}noted", directory->label, effect.saved ? "" : "un");
            });
            directory->noted = effect.saved;
        }
        if (life == life_ && core_) act([this, noted] { input(noted); });
    });
}

void SimAgent::perform(const agent::CheckImage& effect) {
    later(milliseconds{10}, [this, effect] {
        agent::ImageChecked checked{.key = effect.key, .number = effect.number};
        if (effect.image.find("missing") != std::string::npos)
            checked.error = Error{.code = ErrorCode::NotFound, .message = "there is no such image"};
        input(checked);
    });
}

void SimAgent::perform(const agent::MonitorCommand& effect) {
    later(Duration{500}, [this, effect] {
        if (const auto busy = machine_.find(effect.key); busy && busy->saves)
            return ask_later(effect, Duration{0});
        agent::MonitorReply reply{.key = effect.key, .number = effect.number, .reason = {}};
        const auto process = machine_.find(effect.key);
        if (!process || !monitors_.contains(effect.key)) {
            reply.error = Error{.code = ErrorCode::Failed, .message = "its monitor is closed"};
            return later(Duration{200}, [this, reply] { input(reply); });
        }
        auto command = effect.command;
        if (ground_.mutant == Mutant::ButtonIsQuit && command == agent::Monitor::Powerdown)
            command = agent::Monitor::Quit;
        auto asked = effect;
        asked.command = command;
        machine_.command(process, asked, reply);
        if (ground_.mutant == Mutant::ExitForeseen && command == agent::Monitor::Powerdown &&
            process->guest.obeys)
            input(
                agent::Exited{process->key, Ending{.by = EndedBy::Guest, .detail = {}, .at = {}}});
        if (ground_.mutant == Mutant::DoneTwice) reply.error = machine_.command(process, command);
        reply.state = process->ran ? process->state : VmState::Starting;
        reply.reason = process->is_off ? "shutdown" : "";
        // Events overtake replies (FIELD-GUIDE 5.2).
        later(Duration{1200}, [this, reply] { input(reply); });
    });
}

void SimAgent::perform(const agent::SignalProcess& effect) {
    if (const auto process = machine_.find(effect.key)) machine_.signal(process, effect.signal);
}

void SimAgent::start_by_hand(const std::string& label) {
    for (const auto& [config, facts] : scanned_) {
        if (facts.vm.label != label) continue;
        const auto* directory = promises_.estate().directory_of(plan_.mounts, config);
        if (directory != nullptr && directory->noted) { // its wrapper asks nobody then
            if (on_hand) on_hand({.reason = "is suspended to disk"});
            return;
        }
        return act([this, config = config, label] {
            callers_[++last_caller_] = config;
            input(agent::HandStartAsked{.caller = last_caller_,
                                        .action = {ground_.random.next() | 1U},
                                        .config = config,
                                        .label = label,
                                        .user = "hand"});
        });
    }
}

void SimAgent::perform(const agent::ChangeRunLevel& effect) {
    later(milliseconds{10}, [this, effect] {
        input(agent::RunLevelEnded{.action = effect.action, .exit_code = 0, .output = {}});
        if (promises_.tell_run_level) promises_.tell_run_level(machine_, effect.level);
    });
}

void SimAgent::perform(const agent::AnswerCaller& effect) {
    const auto& grant = effect.grant;
    using Answer = msg::HandGrant::Answer;
    const bool goes = grant.answer == Answer::Granted || grant.answer == Answer::Alone;
    const auto config = std::exchange(callers_[effect.caller], {});
    callers_.erase(effect.caller);
    Process process;
    if (goes && promises_.estate().locate(plan_.mounts, config, process) &&
        !promises_.estate().is_locked(process)) {
        const auto& facts = scanned_.at(config);
        process.vm = facts.vm.id;
        process.label = facts.vm.label;
        process.has_monitor = false; // it dials a folder that no agent listens at
        process.guest = promises_.estate().guest_of(process.label);
        // Its wrapper stays until it has ended.
        if (const auto started = machine_.start(std::move(process)))
            wrappers_[started->key] = effect.caller;
        return;
    }
    ground_.tell([&] { return fmt::format("by hand on {}: {}", plan_.name, grant.reason); });
    if (on_hand) on_hand(grant);
    later(milliseconds{20}, [this, caller = effect.caller] { input(agent::CallerGone{caller}); });
}

void SimAgent::perform(const agent::RunOwnerCommand& effect) {
    later(milliseconds{40}, [this, effect] {
        const auto process = machine_.find(effect.key);
        if (process) (void)machine_.command(process, agent::Monitor::Powerdown);
        input(agent::OwnerCommandEnded{
            .key = effect.key, .exit_code = process ? 0 : 1, .output = {}});
    });
}

void SimAgent::perform(const agent::AskGuest& effect) {
    using Inside = Guest::Inside;
    const auto process = machine_.find(effect.key);
    const bool hears = process && process->state == VmState::Running;
    const auto inside = hears ? process->guest.inside : Inside::Silent;
    agent::GuestAnswered answered{.key = effect.key, .number = effect.number};
    auto after = milliseconds{30} + effect.answer;
    if (inside == Inside::Silent) {
        answered.error =
            Error{.code = ErrorCode::TimedOut, .message = "it did not answer within 1.0 s"};
        after = std::chrono::duration_cast<milliseconds>(effect.sync);
    } else if (inside == Inside::Refuses) {
        answered.error = Error{.code = ErrorCode::Failed, .message = "it refused: not allowed"};
        after = milliseconds{30};
    } else if (effect.what == agent::AskGuest::What::PowerOff) {
        machine_.ask_inside(process);
    } else {
        after = milliseconds{200};
    }
    later(after, [this, answered] { input(answered); });
}

void SimAgent::perform(const agent::RemoveInstance& effect) {
    machine_.remove_directory(effect.key);
    kept_.erase(effect.key);
}

void SimAgent::perform(const agent::ScanNow& effect) {
    later(milliseconds{50}, [this, effect] { scan(effect.action); });
}

void SimAgent::scan(ActionId action) {
    agent::Scanned scanned;
    std::map<std::string, PathFacts> found;
    for (const auto& mount : plan_.mounts) {
        for (const auto& [below, directory] : mount.storage->directories) {
            auto event = seen(mount, below);
            const auto& facts = std::get<PathFacts>(event.payload);
            const auto is_new = !scanned_.contains(facts.path.config);
            found[facts.path.config] = facts;
            if (is_new) scanned.events.push_back(std::move(event));
        }
    }
    for (const auto& [config, facts] : scanned_) {
        if (found.contains(config)) continue;
        Event event{.kind = EventKind::PathVanished};
        event.vm = facts.vm.id;
        event.label = facts.vm.label;
        event.text = config;
        auto path = facts.path;
        path.health = PathHealth::Vanished;
        event.payload = std::move(path);
        scanned.events.push_back(std::move(event));
    }
    scanned_ = std::move(found);
    const auto text = fmt::format("{} configurations", scanned_.size());
    if (!scanned.events.empty()) input(std::move(scanned));
    input(agent::ScanFinished{action, text});
}

void SimAgent::chatter(std::size_t count) {
    agent::Scanned scanned;
    for (std::size_t i = 0; i < count; ++i) {
        Event event{.kind = EventKind::WorkerScanned};
        event.text = fmt::format("chatter {} of {}", i, count);
        scanned.events.push_back(std::move(event));
    }
    act([this, scanned] { input(scanned); });
}

void SimAgent::perform(const agent::ProveRequest& effect) {
    later(milliseconds{10}, [this, effect] {
        msg::StorageProof proof{.pool = effect.request.pool,
                                .root = effect.request.root,
                                .nonce = effect.request.nonce,
                                .write = effect.request.write,
                                .reason = {}};
        for (const auto& mount : plan_.mounts) {
            if (mount.root != effect.request.root) continue;
            auto& nonces = mount.storage->nonces;
            if (proof.write) nonces.insert(proof.nonce);
            proof.found = nonces.contains(proof.nonce);
        }
        input(agent::Proved{proof, effect.correlation});
    });
}

} // namespace ctys::sim
