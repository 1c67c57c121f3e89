#include "broker/core/rows.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ctys::broker {

namespace {

std::string note_of(const VmRow& row, InstanceRecord* shown, WallTime now) {
    if (row.conflict) return "CONFLICT: runs more than once";
    if (shown == nullptr) {
        if (row.paths == 0) return {};
        return row.path_health == PathHealth::Good
                   ? std::string{}
                   : fmt::format("path {}", to_string(row.path_health));
    }
    if (shown->ended) {
        const auto& end = *shown->ended;
        const auto age = to_short_text(now - end.at);
        if (is_suspended_to_disk(row)) {
            const bool as_wished = end.by == EndedBy::Host || end.detail.empty();
            return fmt::format(
                "to disk, {} ago{}{}", age, as_wished ? "" : ": ", as_wished ? "" : end.detail);
        }
        if (!end.detail.empty())
            return fmt::format("by {}: {}, {} ago", to_string(end.by), end.detail, age);
        return fmt::format("by {}, {} ago", to_string(end.by), age);
    }
    if (shown->state == VmState::Frozen) return "what carries its worker is paused or suspended";
    return std::move(shown->note);
}

InstanceRecord* pick(std::vector<InstanceRecord>& instances) {
    InstanceRecord* best = nullptr;
    for (auto& row : instances) {
        const bool better = best == nullptr || (is_live(row.state) && !is_live(best->state)) ||
                            (is_live(row.state) == is_live(best->state) && row.since > best->since);
        if (better) best = &row;
    }
    return best;
}

int rank(PathHealth health) {
    switch (health) {
    case PathHealth::Good:
        return 0;
    case PathHealth::Stale:
        return 1;
    case PathHealth::Unproven:
        return 2;
    case PathHealth::Stalled:
        return 3;
    case PathHealth::Unreadable:
        return 4;
    case PathHealth::Ignored:
        return 5;
    case PathHealth::Vanished:
        return 6;
    }
    return 7;
}

/// The one of least standing is the best: of two that are alike, one that can be started.
std::pair<int, bool> standing(const PathRecord& path) {
    return {rank(path.health), !path.runnable};
}

/// Bytes of what can make a row of a whole answer large.
std::size_t weight(const Row& row) {
    constexpr std::size_t fields = 512;
    const auto sum = [](const std::vector<std::string>& texts) {
        std::size_t bytes = 0;
        for (const auto& text : texts) {
            bytes += 16 + text.size();
        }
        return bytes;
    };
    if (const auto* plan = std::get_if<PlanRecord>(&row))
        return fields + sum(plan->notes) + 4 * plan->critical.size();
    if (const auto* step = std::get_if<PlanStepRecord>(&row))
        return fields + step->text.size() + sum(step->step.unreached) + 4 * step->step.after.size();
    return fields;
}

std::string_view folder_of_config(std::string_view config) {
    return config.substr(0, config.rfind('/'));
}

std::string_view name_of_config(std::string_view config) {
    return config.substr(config.rfind('/') + 1);
}

bool may_be_master(const PathRecord& path) {
    return path.health == PathHealth::Good &&
           (path.vmstate.empty() || equals_ignoring_case(path.vmstate, "ACTIVE"));
}

/// Of the variants of a VM in one folder exactly one is its active master (CTYS-REFERENCE S-074).
std::string rivalry_of(const std::vector<PathRecord>& paths) {
    for (auto one = paths.begin(); one != paths.end(); ++one) {
        if (!may_be_master(*one)) continue;
        const auto other = std::find_if(one + 1, paths.end(), [&](const PathRecord& path) {
            return may_be_master(path) && path.worker == one->worker &&
                   path.config != one->config &&
                   folder_of_config(path.config) == folder_of_config(one->config);
        });
        if (other == paths.end()) continue;
        const auto& [first, second] = std::minmax(one->config, other->config);
        return fmt::format("{} and {} are both its active master; all but one need "
                           "#@#MAGICID-IGNORE",
                           name_of_config(first),
                           name_of_config(second));
    }
    return {};
}

} // namespace

VmRow take_row(Listed& from, const Roster& roster, Now now) {
    auto& vm = from.vm;
    VmRow row{.vm = vm.id,
              .copy_of = vm.copy_of,
              .label = std::move(vm.label),
              .type = std::move(vm.type)};
    auto* shown = pick(from.instances);
    row.conflict = std::count_if(from.instances.begin(), from.instances.end(), [](const auto& i) {
                       return is_live(i.state);
                   }) > 1;
    auto rivalry = rivalry_of(from.paths);
    PathRecord* best = nullptr;
    std::string obstacle;
    for (auto& path : from.paths) {
        if (path.health != PathHealth::Vanished) ++row.paths;
        if (best == nullptr || standing(path) < standing(*best)) best = &path;
    }
    if (best != nullptr) {
        row.path_health = best->health;
        row.config = std::move(best->config);
        // The health tells of the others.
        if (best->health == PathHealth::Good && !best->runnable)
            obstacle = std::move(best->why_not);
    }
    row.managed = best != nullptr;
    row.owner = vm.foreign ? Owner::Unknown : Owner::Ctys;
    row.state = vm.foreign ? VmState::Gone : VmState::Stopped;
    row.arch = std::move(vm.arch);
    row.memory_mb = vm.memory_mb;
    row.vcpus = vm.vcpus;
    if (!vm.macs.empty()) row.mac = std::move(vm.macs.front());
    if (!vm.ips.empty()) row.ip = std::move(vm.ips.front());
    row.remarks = std::move(vm.remarks);
    if (!obstacle.empty()) row.remarks.insert(row.remarks.begin(), std::move(obstacle));
    if (!rivalry.empty()) row.remarks.insert(row.remarks.begin(), std::move(rivalry));
    row.start_after = std::move(vm.start_after);
    if (shown != nullptr) {
        row.state = is_suspended_to_disk(*shown) ? VmState::Suspended : shown->state;
        row.reason = std::move(shown->reason);
        row.managed = shown->managed;
        row.owner = shown->owner;
        row.since = shown->since;
        row.started = shown->started;
        row.accelerator = std::move(shown->accelerator);
        row.display = std::move(shown->display);
        row.cport = shown->cport;
        row.console = std::move(shown->console);
        row.user = std::move(shown->user);
        row.uid = shown->uid;
        row.gid = shown->gid;
        row.executable = std::move(shown->executable);
        row.version = std::move(shown->version);
        if (row.mac.empty() && !shown->macs.empty()) row.mac = std::move(shown->macs.front());
        if (!shown->arch.empty()) row.arch = std::move(shown->arch);
        if (shown->memory_mb != 0) row.memory_mb = shown->memory_mb;
        if (shown->vcpus != 0) row.vcpus = shown->vcpus;
        if (!shown->config.empty() && row.config.empty()) row.config = std::move(shown->config);
        if (is_live(shown->state)) {
            row.pid = shown->key.pid;
            row.worker = shown->worker;
        } else if (!vm.foreign && shown->state == VmState::Gone) {
            row.state = VmState::Stopped; // a foreign process of a VM that has a configuration
        }
    }
    const auto* member = roster.find(!row.worker.is_none() ? row.worker
                                     : best != nullptr     ? best->worker
                                                           : WorkerId{});
    if (member != nullptr) {
        if (!row.worker.is_none()) row.worker_name = member->record.name;
        row.worker_state = member->record.state;
        row.age = std::max(Duration{}, now.wall - member->record.last_seen);
    }
    row.note = note_of(row, shown, now.wall);
    if (member != nullptr && !row.worker.is_none() && member->record.state == WorkerState::Lost &&
        !row.conflict) {
        row.note = fmt::format("{} lost since {}{}",
                               member->record.name,
                               member->record.state_since.to_rfc3339().substr(11, 5),
                               member->record.ended ? ": its agent has ended in order" : "");
    }
    return row;
}

bool is_listed(const VmRow& row, bool all) {
    if (all || is_live(row.state)) return true;
    return row.state != VmState::Gone && row.paths > 0 && row.path_health != PathHealth::Ignored;
}

VmDetail make_detail(Listed of, const Lease* lease, const Roster& roster, Now now) {
    VmDetail detail;
    {
        auto copy = of;
        detail.row = take_row(copy, roster, now);
    }
    for (const auto& path : of.paths) {
        const auto* member = roster.find(path.worker);
        detail.path_workers.push_back(member != nullptr ? member->record.name
                                                        : path.worker.to_string());
        detail.path_worker_states.push_back(member != nullptr ? member->record.state
                                                              : WorkerState::Lost);
    }
    detail.vm = std::move(of.vm);
    detail.paths = std::move(of.paths);
    detail.instances = std::move(of.instances);
    if (lease != nullptr) {
        detail.lease = *lease;
        const auto* member = roster.find(lease->worker);
        detail.lease_worker = member != nullptr ? member->record.name : lease->worker.to_string();
    }
    return detail;
}

void send_rows(
    Turn& turn, const PeerId& peer, std::uint64_t correlation, Cursor at, std::vector<Row> rows) {
    constexpr std::size_t most_rows = 256;
    constexpr std::size_t most_bytes = 1U << 20; // a frame takes four times as much
    auto next = rows.begin();
    do {
        msg::Rows page{.at = at, .rows = {}, .last = false};
        std::size_t bytes = 0;
        while (next != rows.end() && page.rows.size() < most_rows && bytes < most_bytes) {
            bytes += weight(*next);
            page.rows.push_back(std::move(*next++));
        }
        page.last = next == rows.end();
        turn.send(peer, correlation, std::move(page));
    } while (next != rows.end());
}

} // namespace ctys::broker
