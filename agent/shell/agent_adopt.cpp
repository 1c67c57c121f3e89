// Happy path: the folders of a former life are read before the processes are looked at; each names
// a VM that runs, or one that has ended meanwhile and left its exit status.
//
// Failure modes: a VM ends between these two looks -> its folder is read once more behind them; its
// shim has not written yet how it ended -> that is waited for as at any other end.

#include "agent/discovery/proc_reader.h"
#include "agent/shell/agent.h"

namespace ctys::agent {

bool Agent::tell_ended(const std::string& directory, const InstanceRecord& record) {
    const auto exit = InstanceDirs::read_exit(directory);
    if (!exit) return false;
    qemu::ExitFacts evidence;
    InstanceDirs::add_evidence(directory, evidence);
    evidence.at = exit->at;
    directories_[record.key] = directory;
    step(EndedWhileAway{record, qemu::decide_ending(evidence)});
    return true;
}

void Agent::adopt_directories() {
    for (const auto& directory : dirs_.list()) {
        const auto record = InstanceDirs::kept(directory);
        const bool was_told = record && record->key.pid != 0;
        if (was_told && tell_ended(directory, *record)) continue;
        if (!record && !InstanceDirs::read_facts(directory)) {
            dirs_.remove(directory); // a start that did not get as far as QEMU
            continue;
        }
        if (auto listening = monitors_.listen(directory); !listening) {
            log_.warning("{}: {}", directory, listening.error().message);
        }
    }
}

void Agent::adopt_unseen() {
    auto reader = ProcReader::open();
    if (!reader) return;
    const auto boot = reader->boot();
    if (!boot) return;
    for (const auto& directory : dirs_.list()) {
        const auto record = InstanceDirs::kept(directory);
        if (!record || record->key.pid == 0 || record->key.boot != boot->id) continue;
        const auto& key = record->key;
        if (directories_.contains(key) || tell_ended(directory, *record)) continue;
        static_cast<void>(tell_ours(directory, key, /*from_dial=*/false));
        const auto stat = reader->stat(key.pid);
        // Another process may have its number by now.
        if (!stat || stat->start_ticks != key.start_ticks)
            exits_.on_process_ended(key, loop_.now().wall, std::nullopt);
    }
}

} // namespace ctys::agent
