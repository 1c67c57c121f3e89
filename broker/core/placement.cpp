#include "broker/core/placement.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

constexpr std::string_view paused_with_carrier = "whose carrier is paused or suspended";

std::string clock_text(WallTime time) {
    return time.to_rfc3339().substr(11, 5);
}

struct Candidate {
    const PathRecord* path = nullptr;
    int score = 0;
    std::string why_not;
    bool away = false;
    bool paused = false;
};

Candidate judge(const PathRecord& path, const Roster& roster, bool asked) {
    Candidate candidate{.path = &path};
    const auto* member = roster.find(path.worker);
    if (member == nullptr || !member->reachable()) {
        candidate.away = true;
        const bool is_paused = member != nullptr && member->record.state == WorkerState::Paused;
        candidate.paused = is_paused;
        candidate.why_not = member == nullptr ? "its worker is not known"
                            : is_paused       ? "paused with the VM that carries it"
                                              : fmt::format("{} since {}",
                                                      to_string(member->record.state),
                                                      clock_text(member->record.state_since));
        return candidate;
    }
    if (roster.is_settling(path.worker)) {
        candidate.away = true;
        candidate.why_not = "has not told yet what it runs";
        return candidate;
    }
    switch (path.health) {
    case PathHealth::Good:
        candidate.score += 100;
        break;
    case PathHealth::Stale:
        candidate.score += 50;
        break;
    // A person who names the worker makes the choice that the mesh never makes by itself.
    case PathHealth::Unproven:
        if (!asked)
            candidate.why_not = "its storage is not proven to be the same; name it with --on";
        break;
    case PathHealth::Stalled:
        candidate.why_not =
            path.health_reason.empty() ? "its mount does not answer" : path.health_reason;
        break;
    case PathHealth::Vanished:
        candidate.why_not = "its directory has vanished";
        break;
    case PathHealth::Unreadable:
        candidate.why_not = path.health_reason;
        break;
    case PathHealth::Ignored:
        candidate.why_not = "it is marked MAGICID-IGNORE";
        break;
    }
    if (!path.runnable) candidate.why_not = path.why_not;
    if (!member->record.draining.is_none()) {
        candidate.why_not =
            fmt::format("{} ends what runs there", member->record.draining.to_string());
    }
    if (member->record.state == WorkerState::Suspect) candidate.score -= 40;
    const bool kvm = std::any_of(member->record.accelerators.begin(),
                                 member->record.accelerators.end(),
                                 [](const Accelerator& a) { return a.name == "kvm" && a.usable; });
    if (kvm) candidate.score += 20;
    return candidate;
}

/// Where a VM may still run without anybody to ask.
Error may_still_run(const WorkerId& id, const Roster& roster, WallTime otherwise_since) {
    const auto worker = roster.name_of(id);
    const auto* member = roster.find(id);
    if (roster.is_settling(id)) {
        return Error{
            .code = ErrorCode::Conflict,
            .message = fmt::format(
                "may still run on {}, which has not called since the broker began", worker),
            .try_next = "ctys workers"};
    }
    if (member != nullptr && member->record.state == WorkerState::Paused) {
        return Error{.code = ErrorCode::Conflict,
                     .message = fmt::format("frozen on {}, {}", worker, paused_with_carrier),
                     .try_next = fmt::format("ctys stack w:{}", worker)};
    }
    return Error{.code = ErrorCode::Conflict,
                 .message = fmt::format(
                     "may still run on {}, {} since {}",
                     worker,
                     to_string(member != nullptr ? member->record.state : WorkerState::Lost),
                     clock_text(member != nullptr ? member->record.state_since : otherwise_since)),
                 .try_next = fmt::format(
                     "bring {} back; if its power is off: ctys worker fence {}", worker, worker)};
}

/// "running on lab1 since 10:02 (pid 4711, ctys)"
std::string sighting(const InstanceRecord& instance, const Roster& roster) {
    return fmt::format("{} on {} since {} (pid {}, {})",
                       to_string(instance.state),
                       roster.name_of(instance.worker),
                       clock_text(instance.started),
                       instance.key.pid,
                       to_string(instance.owner));
}

} // namespace

Result<PathRecord> choose_path(const VmRecord& vm,
                               const std::vector<PathRecord>& paths,
                               const Roster& roster,
                               std::string_view asked_worker) {
    const Member* asked = nullptr;
    if (!asked_worker.empty()) {
        const auto named = roster.require_name(asked_worker);
        if (!named) return tl::unexpected(named.error());
        asked = *named;
    }
    std::vector<Candidate> candidates;
    for (const auto& path : paths) {
        if (asked != nullptr && path.worker != asked->record.id) continue;
        candidates.push_back(judge(path, roster, asked != nullptr));
    }
    if (candidates.empty()) {
        if (asked != nullptr) {
            return fail(ErrorCode::NotFound,
                        fmt::format("{} has no path to {}", asked->record.name, vm.label),
                        fmt::format("ctys show {}", vm.label));
        }
        return fail(ErrorCode::NotFound,
                    fmt::format("{} has no configuration that could be started", vm.label));
    }
    const auto best =
        std::max_element(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
            const auto rank = [](const Candidate& c) { return c.why_not.empty() ? c.score : -1; };
            return rank(a) < rank(b);
        });
    if (best->why_not.empty()) return *best->path;
    const bool all_away =
        std::all_of(candidates.begin(), candidates.end(), [](const auto& c) { return c.away; });
    std::vector<std::string> evidence;
    evidence.reserve(candidates.size());
    for (const auto& candidate : candidates) {
        evidence.push_back(fmt::format("{}: {}: {}",
                                       roster.name_of(candidate.path->worker),
                                       candidate.path->config,
                                       candidate.why_not));
    }
    const bool all_paused =
        std::all_of(candidates.begin(), candidates.end(), [](const auto& c) { return c.paused; });
    if (all_paused) {
        const auto worker = roster.name_of(candidates.front().path->worker);
        return fail(ErrorCode::Unreachable,
                    fmt::format("it could only be started on {}, {}", worker, paused_with_carrier),
                    fmt::format("ctys stack w:{}", worker),
                    std::move(evidence));
    }
    return fail(all_away ? ErrorCode::Unreachable : ErrorCode::Conflict,
                all_away ? "every worker that could run it is away" : "no path can run it now",
                fmt::format("ctys show {}", vm.label),
                std::move(evidence));
}

std::set<WorkerId> settling_among(const std::vector<PathRecord>& paths,
                                  const Roster& roster,
                                  std::string_view asked_worker) {
    const auto asked = roster.require_name(asked_worker);
    std::set<WorkerId> found;
    if (!asked_worker.empty() && !asked) return found;
    for (const auto& path : paths) {
        if (asked && path.worker != (*asked)->record.id) continue;
        if (roster.is_settling(path.worker)) found.insert(path.worker);
    }
    return found;
}

std::set<WorkerId> settling_holders(const std::vector<InstanceRecord>& instances,
                                    const Lease* lease,
                                    const Roster& roster) {
    std::set<WorkerId> found;
    for (const auto& instance : instances) {
        if (is_live(instance.state) && roster.is_settling(instance.worker))
            found.insert(instance.worker);
    }
    if (lease != nullptr && roster.is_settling(lease->worker)) found.insert(lease->worker);
    return found;
}

Status check_free(const VmRecord& vm,
                  const std::vector<InstanceRecord>& instances,
                  const Lease* lease,
                  const Roster& roster) {
    // A second agent of the machine may have told of the process before the one that starts it:
    // who holds the lease is named, what else was seen is evidence.
    const InstanceRecord* named = nullptr;
    std::vector<std::string> evidence;
    for (const auto& instance : instances) {
        if (!is_live(instance.state)) continue;
        const bool of_holder = lease != nullptr && lease->worker == instance.worker;
        if (named == nullptr && (lease == nullptr || of_holder)) {
            named = &instance;
        } else {
            evidence.push_back(sighting(instance, roster));
        }
    }
    if (named == nullptr && lease == nullptr) return {};
    const auto id = named != nullptr ? named->worker : lease->worker;
    const auto* member = roster.find(id);
    if (member == nullptr || !member->reachable()) {
        auto error = may_still_run(id, roster, named != nullptr ? named->since : lease->since);
        error.evidence = std::move(evidence);
        return tl::unexpected(std::move(error));
    }
    if (named != nullptr) {
        return fail(ErrorCode::Conflict,
                    sighting(*named, roster),
                    fmt::format("ctys console {}", vm.label),
                    std::move(evidence));
    }
    return fail(ErrorCode::Conflict,
                fmt::format("held by {} for action {} since {}",
                            roster.name_of(id),
                            lease->action,
                            clock_text(lease->since)),
                fmt::format("ctys actions show {}", lease->action),
                std::move(evidence));
}

Error away(const WorkerId& worker, const Roster& roster) {
    const auto* member = roster.find(worker);
    if (member != nullptr && member->record.state == WorkerState::Paused) {
        return Error{.code = ErrorCode::Unreachable,
                     .message = fmt::format(
                         "it is frozen on {}, {}", member->record.name, paused_with_carrier),
                     .try_next = fmt::format("ctys stack w:{}", member->record.name)};
    }
    return Error{.code = ErrorCode::Unreachable,
                 .message =
                     fmt::format("it runs on {}, which is away",
                                 member != nullptr ? member->record.name : "an unknown worker"),
                 .try_next = "ctys workers"};
}

bool is_suspended_to_disk(const std::vector<InstanceRecord>& instances) {
    const InstanceRecord* last = nullptr;
    for (const auto& row : instances) {
        if (is_live(row.state)) return false;
        if (last == nullptr || row.since > last->since) last = &row;
    }
    return last != nullptr && ctys::is_suspended_to_disk(*last);
}

Result<InstanceRecord> require_live(const VmRecord& vm,
                                    const std::vector<InstanceRecord>& instances) {
    std::vector<const InstanceRecord*> live;
    for (const auto& row : instances) {
        if (is_live(row.state)) live.push_back(&row);
    }
    if (live.size() == 1) return *live.front();
    if (live.empty() && is_suspended_to_disk(instances)) {
        return fail(ErrorCode::Conflict,
                    "it is suspended: its state is on disk, and no process runs",
                    fmt::format("ctys resume {0}   (to boot anew: ctys start {0} --discard-state)",
                                vm.label));
    }
    if (live.empty()) {
        return fail(ErrorCode::Conflict, "it does not run", fmt::format("ctys start {}", vm.label));
    }
    std::vector<std::string> evidence;
    evidence.reserve(live.size());
    for (const auto* row : live) {
        evidence.push_back(fmt::format("pid {} since {}", row->key.pid, clock_text(row->started)));
    }
    return fail(ErrorCode::Conflict,
                fmt::format("it runs {} times; end the ones that should not run by hand first",
                            live.size()),
                fmt::format("ctys show {}", vm.label),
                std::move(evidence));
}

} // namespace ctys::broker
