#include "tests/support/simulation/estate.h"

namespace ctys::sim {

namespace {

/// "<root>/<below>/<label>.ctys" seen through a mount; empty when it lies elsewhere.
std::string below_of(const Mount& mount, const std::string& config) {
    if (!config.starts_with(mount.root + "/")) return {};
    const auto end = config.rfind('/');
    return config.substr(mount.root.size() + 1, end - mount.root.size() - 1);
}

} // namespace

Machine& Estate::add_machine(Witness& witness, const std::string& name) {
    return *machines_.emplace(name, std::make_unique<Machine>(ground_, witness, name))
                .first->second;
}

Storage& Estate::add_storage(const std::string& name, PoolId marker) {
    auto storage = std::make_unique<Storage>();
    storage->marker = marker;
    return *storages_.emplace(name, std::move(storage)).first->second;
}

Machine* Estate::find_machine(const std::string& name) {
    const auto found = machines_.find(name);
    return found == machines_.end() ? nullptr : found->second.get();
}

Storage* Estate::find_storage(const std::string& name) {
    const auto found = storages_.find(name);
    return found == storages_.end() ? nullptr : found->second.get();
}

const Directory* Estate::directory_of(const std::vector<Mount>& mounts,
                                      const std::string& config) const {
    for (const auto& mount : mounts) {
        const auto found = mount.storage->directories.find(below_of(mount, config));
        if (found != mount.storage->directories.end()) return &found->second;
    }
    return nullptr;
}

bool Estate::locate(const std::vector<Mount>& mounts,
                    const std::string& config,
                    Process& process) const {
    for (const auto& mount : mounts) {
        const auto below = below_of(mount, config);
        if (!mount.storage->directories.contains(below)) continue;
        process.storage = mount.storage;
        process.below = below;
        return true;
    }
    return false;
}

bool Estate::is_locked(const Process& process) const {
    if (process.storage == nullptr || !process.storage->has_locks) return false;
    for (const auto& [name, machine] : machines_) {
        for (const auto& [key, other] : machine->processes()) {
            if (other->storage == process.storage && other->below == process.below) return true;
        }
    }
    return false;
}

Guest Estate::guest_of(const std::string& label) const {
    const auto found = guests_.find(label);
    return found == guests_.end() ? Guest{} : found->second;
}

std::pair<Machine*, ProcessRef> Estate::find_process(const std::string& label,
                                                     const std::string& only) {
    std::pair<Machine*, ProcessRef> newest{nullptr, nullptr};
    for (const auto& [name, machine] : machines_) {
        if (!only.empty() && name != only) continue;
        for (const auto& [key, process] : machine->processes()) {
            if (process->label != label) continue;
            if (!newest.second || newest.second->started <= process->started)
                newest = {machine.get(), process};
        }
    }
    return newest;
}

} // namespace ctys::sim
