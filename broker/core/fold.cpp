#include "broker/core/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace ctys::broker {

namespace {

std::size_t count_live(const std::vector<InstanceRecord>& instances) {
    return static_cast<std::size_t>(
        std::count_if(instances.begin(), instances.end(), [](const InstanceRecord& row) {
            return is_live(row.state);
        }));
}

const InstanceRecord* find_instance(const std::vector<InstanceRecord>& rows,
                                    const InstanceKey& key) {
    const auto found = std::find_if(
        rows.begin(), rows.end(), [&](const InstanceRecord& row) { return row.key == key; });
    return found == rows.end() ? nullptr : &*found;
}

/// Times are left out: an agent that came back dates what it found anew.
bool same_facts(const InstanceRecord& known, InstanceRecord reported) {
    reported.since = known.since;
    reported.started = known.started;
    reported.worker = known.worker;
    return known == reported;
}

/// An administrator of the worker vouches for what this pool is: it needs no marker and no proof.
bool is_trusted(const WorkerRecord& worker, const std::string& root) {
    return std::any_of(worker.pools.begin(), worker.pools.end(), [&](const PoolReport& pool) {
        return pool.trusted && pool.root == root;
    });
}

bool same_storage(const StorageIdentity& a, const StorageIdentity& b) {
    return a.pool == b.pool && a.below == b.below;
}

} // namespace

VmId id_of_copy(const VmId& original, const StorageIdentity& storage) {
    return VmId{
        Uuid::from_name(original.uuid, fmt::format("copy {} {}", storage.pool, storage.below))};
}

void Folder::settle_conflict(Turn& turn, const VmId& vm, std::size_t live_before) {
    const auto rows = turn.inventory().instances(vm);
    const auto live = count_live(rows);
    if ((live_before > 1) == (live > 1)) return;
    Event event{.kind = live > 1 ? EventKind::Conflict : EventKind::ConflictEnded};
    event.vm = vm;
    std::vector<std::string> holders;
    for (const auto& row : rows) {
        if (!is_live(row.state)) continue;
        event.label = row.label;
        const auto* member = roster_.find(row.worker);
        holders.push_back(
            fmt::format("{} pid {}", member != nullptr ? member->record.name : "?", row.key.pid));
    }
    event.text = live > 1 ? fmt::format("runs {} times: {}", live, fmt::join(holders, ", "))
                          : std::string{"one instance is left"};
    turn.record(std::move(event));
}

void Folder::end_lease(Turn& turn, const InstanceRecord& ended) {
    leases_.on_ended(turn, ended);
    if (leases_.find(ended.vm) != nullptr) return;
    // After a conflict the instance that is left holds the VM.
    for (const auto& row : turn.inventory().instances(ended.vm)) {
        if (is_live(row.state)) return leases_.on_live(turn, row);
    }
}

bool Folder::apply_instance(Turn& turn,
                            const Member& member,
                            InstanceRecord instance,
                            bool is_fact) {
    instance.worker = member.record.id;
    instance.unverified = false;
    instance.frozen_from = VmState::Unknown;
    const auto rows = turn.inventory().instances(instance.vm);
    const auto* known = find_instance(rows, instance.key);
    // Nobody but a machine's own agents knows what became of its processes.
    if (known != nullptr && known->worker != instance.worker &&
        instance.key.boot != member.record.boot)
        return false;
    if (known != nullptr && known->worker != instance.worker && known->managed &&
        instance.managed) {
        // An agent under another name has adopted it; while the one before is there, it speaks.
        const auto* owner = roster_.find(known->worker);
        if (owner != nullptr && owner->reachable()) return false;
    }
    if (known != nullptr && known->worker != instance.worker && known->managed &&
        !instance.managed) {
        // Two agents on one machine see the process; the one that started it speaks for it, also
        // after it was away for a while. Only an end is taken from the other one meanwhile.
        const auto* owner = roster_.find(known->worker);
        const bool is_news = is_live(known->state) != is_live(instance.state);
        if (!is_news || (owner != nullptr && owner->reachable())) return false;
        instance.worker = known->worker;
        instance.managed = true;
        instance.owner = known->owner;
    }
    // Late news of the stream do not raise the dead; facts of an exchange do (a fenced worker
    // returns), but not one whose end somebody saw: an agent that was frozen does not know yet.
    const bool was_seen = known != nullptr && was_told(*known, instance.worker);
    if (known != nullptr && !is_live(known->state) && is_live(instance.state) &&
        (!is_fact || was_seen)) {
        return false;
    }
    // An end is recorded once: an agent that crashed before it could clean up tells it again, and
    // so does every other agent of the machine. One that was only inferred may still learn its
    // cause.
    if (known != nullptr && known->ended && instance.ended &&
        (!is_concluded(*known) || instance.ended->by == EndedBy::Unknown)) {
        return false;
    }
    if (is_live(instance.state) && member.record.state == WorkerState::Paused) {
        // Told before its carrier stood still.
        instance.frozen_from = std::exchange(instance.state, VmState::Frozen);
    }
    const auto live_before = count_live(rows);
    if (!turn.inventory().vm(instance.vm)) {
        VmRecord vm;
        vm.id = instance.vm;
        vm.label = instance.label;
        vm.foreign = true;
        vm.macs = instance.macs;
        vm.arch = instance.arch;
        vm.memory_mb = instance.memory_mb;
        vm.vcpus = instance.vcpus;
        turn.put(std::move(vm));
    }
    if (!is_live(instance.state)) erase_ended(turn, rows, instance.key);
    turn.put(instance);
    if (is_live(instance.state)) {
        leases_.on_live(turn, instance);
        if (known == nullptr) note_start(turn, instance);
        note_state(turn, known, instance);
    } else {
        end_lease(turn, instance);
        if (known != nullptr && is_live(known->state)) note_end(turn, instance, /*seen=*/true);
    }
    settle_conflict(turn, instance.vm, live_before);
    return true;
}

void Folder::erase_ended(Turn& turn,
                         const std::vector<InstanceRecord>& rows,
                         const InstanceKey& last) {
    std::vector<const InstanceRecord*> kept;
    for (const auto& row : rows) {
        if (is_live(row.state) || row.key == last) continue;
        if (roster_.is_shared(row.key.boot)) {
            kept.push_back(&row);
        } else {
            turn.write(EraseInstance{row.vm, row.key});
        }
    }
    std::sort(kept.begin(), kept.end(), [](const auto* a, const auto* b) {
        return std::tie(a->since, a->key) > std::tie(b->since, b->key);
    });
    for (auto i = most_ended - 1; i < kept.size(); ++i) {
        turn.write(EraseInstance{kept[i]->vm, kept[i]->key});
    }
}

bool Folder::apply_path(Turn& turn, const Member& member, PathFacts facts) {
    facts.path.worker = member.record.id;
    auto known = turn.inventory().vm(facts.vm.id);
    const auto& storage = facts.path.storage;
    if (known && !known->foreign && !storage.pool.is_none() && !known->home.pool.is_none() &&
        !same_storage(known->home, storage)) {
        facts.vm.copy_of = facts.vm.id;
        facts.vm.id = id_of_copy(facts.vm.id, storage);
        known = turn.inventory().vm(facts.vm.id);
    }
    facts.path.vm = facts.vm.id;
    const auto paths = turn.inventory().paths(facts.vm.id);
    const auto before = std::find_if(paths.begin(), paths.end(), [&](const PathRecord& path) {
        return path.worker == facts.path.worker && path.config == facts.path.config;
    });
    if (before != paths.end()) facts.path.first_seen = before->first_seen;
    if (facts.path.health == PathHealth::Good && !is_trusted(member.record, facts.path.pool_root) &&
        !proofs_.proven(storage.pool, member.record.id)) {
        // Another worker already leads to this storage: equal markers prove nothing yet.
        const bool elsewhere = std::any_of(paths.begin(), paths.end(), [&](const PathRecord& path) {
            return path.worker != facts.path.worker && path.health != PathHealth::Vanished;
        });
        const bool was_good = before != paths.end() && before->health == PathHealth::Good;
        if (elsewhere && !was_good) facts.path.health = PathHealth::Unproven;
    }
    facts.vm.home = known && !known->home.pool.is_none() ? known->home : storage;
    if (!known || *known != facts.vm) turn.put(std::move(facts.vm));
    turn.put(std::move(facts.path));
    return true;
}

void Folder::settle_trust(Turn& turn, const Member& member) {
    const auto trusts = [](const PoolReport& pool) { return pool.trusted; };
    const auto& worker = member.record;
    if (std::none_of(worker.pools.begin(), worker.pools.end(), trusts)) return;
    prove(
        turn,
        member,
        [&](const PathRecord& path) { return is_trusted(worker, path.pool_root); },
        "its pool is trusted");
}

void Folder::prove(Turn& turn,
                   const Member& member,
                   const std::function<bool(const PathRecord&)>& which,
                   std::string_view why) {
    std::vector<PathRecord> proven;
    for (const auto& vm : turn.index().vms_of(member.record.id)) {
        for (auto& path : turn.inventory().paths(vm)) {
            if (path.worker == member.record.id && path.health == PathHealth::Unproven &&
                which(path))
                proven.push_back(std::move(path));
        }
    }
    for (auto& path : proven) {
        path.health = PathHealth::Good;
        Event event{.kind = EventKind::PathProven};
        event.worker = member.record.id;
        event.worker_name = member.record.name;
        event.vm = path.vm;
        if (const auto vm = turn.inventory().vm_brief(path.vm)) event.label = vm->label;
        event.text = fmt::format("{}: {}", path.config, why);
        event.payload = path;
        turn.put(std::move(path));
        turn.record(std::move(event));
    }
}

void Folder::apply_health(Turn& turn, const Member& member, const PathRecord& reported) {
    // The agent does not know which of its VMs are copies: the row is found by its configuration.
    for (const auto& id : {reported.vm, id_of_copy(reported.vm, reported.storage)}) {
        for (auto& row : turn.inventory().paths(id)) {
            if (row.worker != member.record.id || row.config != reported.config) continue;
            const bool unproven =
                row.health == PathHealth::Unproven && reported.health == PathHealth::Good;
            row.health = unproven ? PathHealth::Unproven : reported.health;
            row.health_reason = reported.health_reason;
            row.last_seen = reported.last_seen;
            turn.put(std::move(row));
        }
    }
}

void Folder::fold(Turn& turn, Member& member, const Event& event, SharedBytes bytes) {
    apply(turn, member, event, std::move(bytes), /*is_fact=*/false);
}

void Folder::apply(
    Turn& turn, Member& member, const Event& event, SharedBytes bytes, bool is_fact) {
    bool keep = true;
    bool new_pools = false;
    if (const auto* instance = std::get_if<InstanceRecord>(&event.payload)) {
        keep = apply_instance(turn, member, *instance, is_fact);
    } else if (const auto* facts = std::get_if<PathFacts>(&event.payload)) {
        keep = apply_path(turn, member, *facts);
    } else if (const auto* path = std::get_if<PathRecord>(&event.payload)) {
        apply_health(turn, member, *path);
    } else if (event.kind == EventKind::Reset) {
        note_reset(turn, member, event);
    } else if (const auto* worker = std::get_if<WorkerRecord>(&event.payload)) {
        member.record.accelerators = worker->accelerators;
        member.record.binaries = worker->binaries;
        member.record.equipment = worker->equipment;
        member.record.blind_spots = worker->blind_spots;
        new_pools = member.record.pools != worker->pools;
        member.record.pools = worker->pools;
        member.record.host_stops = worker->host_stops;
    }
    if (keep && event.kind == EventKind::Reverted) note_reset(turn, member, event);
    if (keep) turn.record(event, std::move(bytes));
    if (new_pools) settle_trust(turn, member);
}

void Folder::fold_fact(Turn& turn, Member& member, const Event& event, SharedBytes bytes) {
    if (const auto* instance = std::get_if<InstanceRecord>(&event.payload)) {
        member.named.instances.emplace(instance->vm, instance->key);
        const auto rows = turn.inventory().instances(instance->vm);
        const auto* known = find_instance(rows, instance->key);
        if (known != nullptr && same_facts(*known, *instance)) return;
    } else if (const auto* facts = std::get_if<PathFacts>(&event.payload)) {
        member.named.paths.insert(facts->path.config);
        const auto rows = turn.inventory().paths(facts->vm.id);
        const bool same = std::any_of(rows.begin(), rows.end(), [&](const PathRecord& path) {
            return path.worker == member.record.id &&
                   path.config_digest == facts->path.config_digest &&
                   path.config == facts->path.config && path.health == facts->path.health;
        });
        if (same) return;
    } else if (const auto* worker = std::get_if<WorkerRecord>(&event.payload)) {
        const auto& known = member.record;
        if (known.accelerators == worker->accelerators && known.binaries == worker->binaries &&
            known.equipment == worker->equipment && known.blind_spots == worker->blind_spots &&
            known.pools == worker->pools && known.host_stops == worker->host_stops) {
            return;
        }
    }
    apply(turn, member, event, std::move(bytes), /*is_fact=*/true);
}

void Folder::end_instance(Turn& turn,
                          InstanceRecord instance,
                          EndedBy by,
                          std::string detail,
                          const CarrierChange* carrier) {
    const auto rows = turn.inventory().instances(instance.vm);
    const auto live_before = count_live(rows);
    Event event;
    event.old_state = instance.state;
    event.new_state = instance.managed ? VmState::Stopped : VmState::Gone;
    const bool is_saved = keeps_saved_state(instance) && carrier == nullptr;
    event.kind = is_saved ? EventKind::Suspended : kind_of(event.new_state);
    event.worker = instance.worker;
    const auto* member = roster_.find(instance.worker);
    if (member != nullptr) event.worker_name = member->record.name;
    event.vm = instance.vm;
    event.label = instance.label;
    event.by = to_string(by);
    event.evidence = to_string(Evidence::None);
    event.text = detail;
    instance.state = event.new_state;
    if (is_saved) {
        event.new_state = VmState::Suspended;
        instance.reason = reason::suspended;
    }
    event.time = carrier != nullptr ? carrier->at : turn.now().wall;
    instance.since = event.time;
    instance.ended = Ending{.by = by, .detail = std::move(detail), .at = event.time};
    instance.frozen_from = VmState::Unknown;
    // Concluded, not seen: what an agent says counts more.
    instance.unverified = true;
    if (carrier != nullptr) {
        const bool is_reset = carrier->what == CarrierChange::What::Reset;
        event.data = {{"reason", is_reset ? "carrier-reset" : "carrier-ended"},
                      {"inner", "unverified"}};
        instance.reason = event.data.front().second;
    }
    event.payload = instance;
    turn.put(instance);
    end_lease(turn, instance);
    turn.record(std::move(event));
    settle_conflict(turn, instance.vm, live_before);
    note_end(turn, instance, /*seen=*/carrier != nullptr);
}

void Folder::end_exchange(Turn& turn, Member& member) {
    const auto& worker = member.record.id;
    std::vector<InstanceRecord> ended;
    std::vector<InstanceRecord> concluded;
    std::vector<PathRecord> vanished;
    std::set<VmId> present;
    for (const auto& vm : turn.index().vms_of(worker)) {
        for (auto& row : turn.inventory().instances(vm)) {
            if (row.worker != worker) continue;
            present.insert(vm);
            if (is_live(row.state) && !member.named.instances.contains({row.vm, row.key})) {
                ended.push_back(std::move(row));
            } else if (row.unverified && row.ended && row.ended->by == EndedBy::Host) {
                concluded.push_back(std::move(row));
            }
        }
        for (auto& path : turn.inventory().paths(vm)) {
            if (path.worker != worker) continue;
            present.insert(vm);
            if (path.health != PathHealth::Vanished && !member.named.paths.contains(path.config))
                vanished.push_back(std::move(path));
        }
    }
    turn.index().replace(worker, std::move(present));
    for (auto& row : ended) {
        end_instance(turn, std::move(row), EndedBy::Unknown, "ended while nobody watched");
    }
    for (auto& path : vanished) {
        path.health = PathHealth::Vanished;
        Event event{.kind = EventKind::PathVanished};
        event.worker = member.record.id;
        event.worker_name = member.record.name;
        event.vm = path.vm;
        if (const auto vm = turn.inventory().vm(path.vm)) event.label = vm->label;
        event.text = path.config;
        event.payload = path;
        turn.put(std::move(path));
        turn.record(std::move(event));
    }
    verify(turn, member, std::move(concluded));
    member.exchanging = false;
    member.named = {};
}

void Folder::forget(Turn& turn, const Member& member) {
    for (const auto& vm : turn.index().vms_of(member.record.id)) {
        for (const auto& path : turn.inventory().paths(vm)) {
            if (path.worker == member.record.id)
                turn.write(ErasePath{vm, path.worker, path.config});
        }
        const auto& view = turn.inventory();
        if (view.paths(vm).empty() && view.instances(vm).empty()) turn.write(EraseVm{vm});
    }
}

void Folder::erase_gone(Turn& turn) {
    const auto before = turn.now().wall - gone_kept;
    for (const auto& [at, vm, key] : turn.index().gone_before(before, gone_per_tick)) {
        turn.write(EraseInstance{vm, key});
        const auto record = turn.inventory().vm_brief(vm);
        if (record && record->foreign && turn.inventory().instances(vm).empty() &&
            turn.inventory().paths(vm).empty() && leases_.find(vm) == nullptr) {
            turn.write(EraseVm{vm});
        }
    }
}

void Folder::end_all(Turn& turn,
                     const WorkerId& worker,
                     const std::function<bool(const InstanceRecord&)>& which,
                     EndedBy by,
                     const std::string& detail,
                     const CarrierChange* carrier) {
    std::vector<InstanceRecord> ended;
    for (const auto& vm : turn.index().vms_of(worker)) {
        for (auto& row : turn.inventory().instances(vm)) {
            if (row.worker == worker && is_live(row.state) && which(row))
                ended.push_back(std::move(row));
        }
    }
    for (auto& row : ended) {
        end_instance(turn, std::move(row), by, detail, carrier);
    }
}

void Folder::on_reboot(Turn& turn, const Member& member, const BootId& boot) {
    end_all(
        turn,
        member.record.id,
        [&](const InstanceRecord& row) { return row.key.boot != boot; },
        EndedBy::Host,
        "its machine was booted anew");
}

void Folder::on_fenced(Turn& turn, const Member& member) {
    end_all(
        turn,
        member.record.id,
        [](const InstanceRecord&) { return true; },
        EndedBy::Unknown,
        "declared dead with its worker");
}

} // namespace ctys::broker
