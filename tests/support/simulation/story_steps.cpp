// What happens in a story, step by step.

#include "tests/support/simulation/story.h"
#include "tests/support/simulation/story_words.h"

namespace ctys::sim {

void Story::step(Words words) {
    const auto all = fmt::format("{}", fmt::join(words, " "));
    const auto before = complaints_.size();
    write("-- " + all);
    const auto what = next(words);
    if (what == "broker") {
        do_broker(words);
    } else if (what == "agent") {
        do_agent(words);
    } else if (what == "tool") {
        do_tool(words);
    } else if (what == "clock") {
        do_clock(words);
    } else if (what == "cut") {
        do_cut(words);
    } else if (what == "heal") {
        mesh_.network.heal(next(words));
    } else if (what == "network") {
        const auto delay = span(next(words));
        mesh_.network.set_delay(delay, delay);
    } else if (what == "guest") {
        do_guest(words);
    } else if (what == "hand") {
        do_hand(words);
    } else if (what == "remove") {
        do_remove(words);
    } else if (what == "reboot") {
        do_reboot(words);
    } else {
        complain("not understood");
    }
    if (complaints_.size() > before)
        complaints_.back() = fmt::format("{}: {}", complaints_.back(), all);
}

void Story::do_broker(Words& words) {
    const auto what = next(words);
    if (what == "start") return mesh_.broker.start();
    if (what == "crash") return mesh_.broker.crash();
    if (what == "fail") return mesh_.broker.fail_commits(true);
    if (what == "mend") return mesh_.broker.fail_commits(false);
    if (what == "dies") return mesh_.broker.crash_at_commit();
    if (what == "freeze") return mesh_.broker.freeze();
    if (what == "thaw") return mesh_.broker.thaw();
    if (what == "trim") return mesh_.broker.trim(mesh_.broker.store().range().second);
    if (what == "slow") return mesh_.broker.set_commit_time(span("500ms"), span("500ms"));
    if (what == "fast") return mesh_.broker.set_commit_time(span("1ms"), span("1ms"));
    // The store was copied, and the copy is put back: the epoch is another one.
    if (what == "anew") return mesh_.broker.store().begin_epoch(mesh_.broker.store().epoch() + 1);
    if (what == "keep") {
        backup_ = mesh_.broker.store();
        return;
    }
    if (what == "restore" && backup_) {
        mesh_.broker.store() = *backup_;
        return;
    }
    complain("not understood");
}

void Story::do_agent(Words& words) {
    const auto name = next(words);
    auto* agent = mesh_.find_agent(name);
    for (const auto& twin : twins_) {
        if (twin->name() == name) agent = twin.get();
    }
    if (agent == nullptr) return complain("no such agent");
    const auto what = next(words);
    if (what == "start") return agent->start();
    if (what == "crash") return agent->crash();
    if (what == "freeze") return agent->freeze();
    if (what == "thaw") return agent->thaw();
    if (what == "wipe") return mesh_.promises.on_stream_lost(name), agent->wipe_spool();
    if (what == "scan") return agent->scan({});
    if (what == "chatter") return agent->chatter(std::stoul(next(words)));
    if (what == "hand") {
        agent->on_hand = [this, name](const msg::HandGrant& grant) {
            write(fmt::format("by hand on {}: {}", name, grant.reason));
        };
        return agent->start_by_hand(next(words));
    }
    if (what == "stop-guests") {
        mesh_.promises.is_host_stopping = true;
        return agent->stop_guests(span(next(words)));
    }
    if (what == "redial") {
        agent->plan().redial = span(next(words));
        return;
    }
    if (what == "room") {
        agent->plan().spool_limit = std::stoul(next(words));
        return;
    }
    if (what == "spool-fails" || what == "spool-works")
        return agent->fail_spool(what == "spool-fails");
    complain("not understood");
}

void Story::do_tool(Words& words) {
    auto* tool = mesh_.find_tool(next(words));
    if (tool == nullptr) return complain("no such tool");
    auto what = next(words);
    if (what == "cancel") return tool->cancel(names_[next(words)]);
    if (what == "fence") return mesh_.fence(*tool, next(words));
    if (what == "forget") return tool->administer(msg::Administer::What::ForgetWorker, next(words));
    if (what == "watch") return do_watch(*tool, words);
    if (what == "starts") return do_starts(*tool, words);
    if (what == "list") {
        return tool->ask({.table = Table::Vms, .address = {}, .filters = {}},
                         [this](const auto& rows) {
                             for (const auto& row : rows.rows) {
                                 const auto& vm = std::get<VmRow>(row);
                                 write(fmt::format("row: {} {} on {} {} {}",
                                                   vm.label,
                                                   to_string(vm.state),
                                                   vm.worker_name,
                                                   to_string(vm.path_health),
                                                   vm.note));
                             }
                         });
    }
    if (what == "media" || what == "snapshot") what += " " + next(words);
    if (const auto verb = verb_from_text(what)) return do_action(*tool, *verb, words);
    complain("not understood");
}

/// One after the other, without a name each.
void Story::do_starts(SimTool& tool, Words& words) {
    const auto prefix = next(words);
    const auto count = std::stoul(next(words));
    for (std::size_t i = 0; i < count; ++i) {
        mesh_.ground.schedule.after(Duration{std::chrono::milliseconds{2}} * static_cast<int>(i),
                                    [&tool, label = fmt::format("{}{}", prefix, i)] {
                                        Action start{.verb = Verb::Start, .target = label};
                                        tool.submit(start, label, {}, /*doubled=*/false);
                                    });
    }
}

void Story::do_clock(Words& words) {
    const auto of = next(words);
    const bool is_back = next(words) == "back";
    auto by = span(next(words));
    if (is_back) by = -by;
    if (of == "broker") return mesh_.broker.set_clock(by);
    auto* agent = mesh_.find_agent(of);
    if (agent == nullptr) return complain("no such agent");
    agent->plan().wall_offset += by;
}

void Story::do_watch(SimTool& tool, Words& words) {
    const auto from = next(words);
    if (from == "now") return tool.watch(msg::WatchFrom::Now);
    if (from == "beginning") return tool.watch(msg::WatchFrom::Beginning);
    tool.watch(msg::WatchFrom::Cursor, Cursor{mesh_.broker.store().epoch(), std::stoul(from)});
}

void Story::do_action(SimTool& tool, Verb verb, Words& words) {
    Action action{.verb = verb, .target = next(words)};
    std::string on;
    std::string name = fmt::format("A{}", names_.size() + 1);
    bool twice = false;
    bool agreed = false;
    while (!words.empty()) {
        const auto word = next(words);
        if (word == "as") name = next(words);
        if (word == "on") on = next(words);
        if (word == "deadline") action.deadline = span(next(words));
        if (word == "expiry") action.expiry = span(next(words));
        if (word == "force") action.force = true;
        if (word == "reuse") action.if_running = IfRunning::Reuse;
        if (word == "twice") twice = true;
        if (word == "shrink") action.shrink = true;
        if (word == "cut-unaskable") action.cut_unaskable = true;
        if (word == "width") action.width = static_cast<std::uint32_t>(std::stoul(next(words)));
        if (word == "self") action.self = true;
        if (word == "no-restore") action.no_restore = true;
        if (word == "level") action.run_level = static_cast<std::uint8_t>(std::stoul(next(words)));
        if (word == "stack") action.stack = true;
        if (word == "device") action.device = next(words);
        if (word == "image") action.image = next(words);
        if (word == "name") action.snapshot = next(words);
        if (word == "discard") action.discard_state = true;
        if (word == "like-before") action.like_before = names_[next(words)];
        if (word == "dry") action.dry_run = true;
        if (word == "yes") agreed = true;
    }
    if (const auto known = names_.find(name); known != names_.end()) action.id = known->second;
    if (action.id.is_none()) action.id = ActionId{mesh_.ground.random.next() | 1U};
    names_[name] = action.id;
    tool.submit(action, action.target, on, twice, agreed);
}

void Story::do_cut(Words& words) {
    const auto name = next(words);
    Duration noticed{0};
    bool keeps = false;
    while (!words.empty()) {
        const auto word = next(words);
        if (word == "noticed") noticed = span(next(words));
        if (word == "keeps") keeps = true;
    }
    mesh_.network.cut(name, noticed, keeps);
}

void Story::do_guest(Words& words) {
    const auto label = next(words);
    const auto what = next(words);
    next(words);
    const auto [machine, process] = mesh_.estate().find_process(label, next(words));
    if (!process) return complain("it does not run");
    if (machine->is_frozen()) return complain("its machine stands still");
    if (what == "poweroff") return machine->shutdown_guest(process);
    if (what == "crash") return machine->crash(process);
    if (what == "reset") return machine->reset_guest(process);
    if (what == "kill") return machine->kill(process);
    if (what == "locks" || what == "lends" || what == "unlocks")
        return machine->lock_tray(process, what != "unlocks", what == "lends");
    if (what == "opens" || what == "closes") return machine->move_tray(process, what == "opens");
    complain("not understood");
}

void Story::do_hand(Words& words) {
    Process process;
    process.label = next(words);
    next(words);
    auto* machine = mesh_.estate().find_machine(next(words));
    next(words);
    process.storage = mesh_.estate().find_storage(next(words));
    if (machine == nullptr || process.storage == nullptr)
        return complain("no such machine or storage");
    process.below = process.label;
    process.vm = process.storage->directories.at(process.label).uuid;
    process.guest = mesh_.estate().guest_of(process.label);
    while (!words.empty()) {
        const auto word = next(words);
        if (word == "libvirt") process.owner = Owner::Libvirt;
        if (word == "mute") process.has_monitor = false;
    }
    if (mesh_.estate().is_locked(process)) return write("QEMU: Failed to get \"write\" lock");
    machine->start(std::move(process));
}

void Story::do_remove(Words& words) {
    const auto label = next(words);
    next(words);
    auto* storage = mesh_.estate().find_storage(next(words));
    if (storage == nullptr) return complain("no such storage");
    storage->directories.erase(label);
}

void Story::do_reboot(Words& words) {
    auto* machine = mesh_.estate().find_machine(next(words));
    if (machine == nullptr) return complain("no such machine");
    next(words);
    mesh_.reboot(*machine, words.empty() ? std::chrono::seconds{5} : span(next(words)));
}

} // namespace ctys::sim
