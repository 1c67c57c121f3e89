#include "agent/core/snapshots.h"

#include "mesh/qemu/saved_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace ctys::agent {

namespace {

std::string_view held_text(Verb verb) {
    if (verb == Verb::SaveSnapshot) return "a snapshot of it is being saved";
    return verb == Verb::RevertSnapshot ? "it is going back to a snapshot"
                                        : "a snapshot of it is being deleted";
}

std::string_view doing(Verb verb) {
    if (verb == Verb::SaveSnapshot) return "saving";
    return verb == Verb::RevertSnapshot ? "loading" : "deleting";
}

Monitor command_of(Verb verb) {
    if (verb == Verb::SaveSnapshot) return Monitor::SaveState;
    return verb == Verb::RevertSnapshot ? Monitor::LoadState : Monitor::DeleteState;
}

/// It finds the job again after a restart of the agent.
std::string job_id(const Action& action) {
    return fmt::format("ctys-{}-{}", doing(action.verb), action.id);
}

KeepPurpose purpose_of(Verb verb) {
    if (verb == Verb::SaveSnapshot) return {.cannot = "save a snapshot", .keeps = "keep one"};
    return {.cannot = "go back to a snapshot", .keeps = "do that"};
}

const SnapshotFacts* find_snapshot(const DiskFacts& disk, const std::string& name) {
    const auto found = std::find_if(disk.snapshots.begin(),
                                    disk.snapshots.end(),
                                    [&](const SnapshotFacts& each) { return each.name == name; });
    return found == disk.snapshots.end() ? nullptr : &*found;
}

bool has_snapshot(const InstanceRecord& record, const std::string& name) {
    return std::any_of(record.snapshots.begin(), record.snapshots.end(), [&](const Snapshot& each) {
        return each.name == name;
    });
}

bool is_unheard(const std::optional<Error>& error) {
    return error && (error->code == ErrorCode::TimedOut || error->code == ErrorCode::Unreachable);
}

} // namespace

std::vector<Snapshot> snapshots_of(const std::vector<DiskFacts>& disks) {
    std::map<std::string, Snapshot> found;
    std::map<std::string, std::size_t> on;
    std::size_t count = 0;
    for (const auto& disk : disks) {
        if (!may_keep(disk)) continue;
        ++count;
        for (const auto& each : disk.snapshots) {
            if (each.name == qemu::saved_state_tag) continue;
            auto& one = found[each.name];
            one.name = each.name;
            one.at = std::max(one.at, each.at);
            one.state_bytes = std::max(one.state_bytes, each.state_bytes);
            ++on[each.name];
        }
    }
    std::vector<Snapshot> all;
    for (auto& [name, each] : found) {
        each.is_whole = on.at(name) == count && each.state_bytes > 0;
        all.push_back(std::move(each));
    }
    std::sort(all.begin(), all.end(), [](const Snapshot& a, const Snapshot& b) {
        return std::tie(a.at, a.name) < std::tie(b.at, b.name);
    });
    return all;
}

Result<StateJob>
plan_job(const Action& action, const std::vector<DiskFacts>& disks, const std::string& label) {
    const auto& name = action.snapshot;
    StateJob job{.id = job_id(action), .tag = name};
    std::vector<const DiskFacts*> with;
    for (const auto& disk : disks) {
        if (may_keep(disk) && find_snapshot(disk, name) != nullptr) with.push_back(&disk);
    }
    if (action.verb == Verb::DeleteSnapshot) {
        for (const auto* disk : with)
            job.nodes.push_back(disk->node);
    } else {
        auto nodes = nodes_that_keep(disks, label, purpose_of(action.verb));
        if (!nodes) return tl::unexpected(nodes.error());
        job.nodes = std::move(*nodes);
    }
    if (action.verb == Verb::SaveSnapshot) {
        job.vmstate = job.nodes.front();
        if (with.empty()) return job;
        return fail(ErrorCode::Conflict,
                    fmt::format("it has a snapshot {} already", name),
                    fmt::format("ctys snapshot delete {} {}", label, name));
    }
    if (with.empty()) {
        return fail(ErrorCode::NotFound,
                    fmt::format("it has no snapshot {}", name),
                    fmt::format("ctys snapshot list {}", label));
    }
    if (action.verb == Verb::DeleteSnapshot) return job;
    for (const auto& disk : disks) {
        if (!may_keep(disk)) continue;
        const auto* held = find_snapshot(disk, name);
        if (held == nullptr) {
            return fail(ErrorCode::Conflict,
                        fmt::format("its disk {} ({}) has no snapshot {}: it would not fit to the "
                                    "others",
                                    disk.name,
                                    disk.file,
                                    name));
        }
        if (held->state_bytes > 0) job.vmstate = disk.node;
    }
    if (!job.vmstate.empty()) return job;
    return fail(ErrorCode::Conflict,
                fmt::format("the snapshot {} is of its disks only, without its memory: it was made "
                            "while it did not run",
                            name),
                fmt::format("ctys shutdown {}; qemu-img snapshot -a {} IMAGE", label, name));
}

// Of one whose job has ended: the VM is free again, and what its disks hold is still asked.
Status Snapshots::check(const Instance& instance) const {
    const auto found = courses_.find(instance.record.key);
    if (found == courses_.end()) return {};
    return ctys::fail(
        ErrorCode::Conflict, std::string{held_text(found->second.action.verb)}, "ctys actions");
}

void Snapshots::wait(Turn& turn, const InstanceKey& key, Course& course, Duration limit) {
    course.until = turn.now().instant + limit;
    turn.arm({.kind = TimerKind::Snapshot, .instance = key, .action = {}}, course.until);
}

void Snapshots::open(Turn& turn, const Instance& instance, const Action& action) {
    const auto& key = instance.record.key;
    control_.reserve(key, std::string{held_text(action.verb)});
    auto& course = courses_[key];
    course.action = action;
    course.begun = turn.now().instant;
}

void Snapshots::begin(Turn& turn, const Action& action, Instance& instance) {
    const auto key = instance.record.key;
    works_.begin(turn, action, instance.record.label, key);
    open(turn, instance, action);
    auto& course = courses_.at(key);
    course.number = control_.command(turn, key, Monitor::QueryDisks, {});
    wait(turn, key, course, look_limit);
}

void Snapshots::adopt(Turn& turn, const Instance& instance, const Action& action) {
    const auto key = instance.record.key;
    open(turn, instance, action);
    auto& course = courses_.at(key);
    course.state = State::Adopted;
    course.is_adopted = true;
    course.job.take_up(job_id(action));
    wait(turn, key, course, work_limit);
    if (instance.monitor) on_monitor_up(turn, key);
}

void Snapshots::cancel(Turn& turn, ActionId action) {
    const auto found = std::find_if(courses_.begin(), courses_.end(), [&](const auto& item) {
        return item.second.action.id == action;
    });
    if (found == courses_.end() || found->second.state != State::Looking) return; // too late
    fail(turn,
         InstanceKey{found->first},
         Error{.code = ErrorCode::Cancelled, .message = "cancelled"});
}

void Snapshots::fail(Turn& turn, const InstanceKey& key, Error error) {
    finish(turn, key, Outcome{.error = std::move(error)});
}

void Snapshots::finish(Turn& turn, const InstanceKey& key, Outcome outcome) {
    const auto found = courses_.find(key);
    if (found == courses_.end()) return;
    const auto action = found->second.action;
    courses_.erase(found);
    control_.release(key, held_text(action.verb));
    works_.end(turn, action.id, std::move(outcome));
}

void Snapshots::take_disks(Turn& turn, Instance& instance, const std::vector<DiskFacts>& disks) {
    auto snapshots = snapshots_of(disks);
    if (snapshots == instance.record.snapshots) return;
    instance.record.snapshots = std::move(snapshots);
    instances_.changed(turn, instance, "its snapshots");
}

void Snapshots::look_at(Turn& turn, Instance& instance, Course& course, const MonitorReply& reply) {
    const auto key = instance.record.key;
    if (reply.error) return fail(turn, key, *reply.error);
    take_disks(turn, instance, reply.disks);
    auto job = plan_job(course.action, reply.disks, instance.record.label);
    if (!job) return fail(turn, key, job.error());
    work(turn, instance, course, std::move(*job));
}

void Snapshots::work(Turn& turn, Instance& instance, Course& course, StateJob job) {
    const auto key = instance.record.key;
    const auto& action = course.action;
    course.state = State::Working;
    course.until = turn.now().instant + work_limit;
    if (const auto* begun = works_.find(action.id)) {
        works_.progress(turn,
                        *begun,
                        fmt::format("{} {} on {} disk{}",
                                    doing(action.verb),
                                    action.snapshot,
                                    job.nodes.size(),
                                    job.nodes.size() == 1 ? "" : "s"));
    }
    // Known to whoever reads it, and to a later life of the agent, before anything stands still.
    if (action.verb != Verb::DeleteSnapshot) {
        instances_.set_state(turn,
                             instance,
                             VmState::Paused,
                             action.verb == Verb::SaveSnapshot ? "saving" : "restoring",
                             action.principal.name,
                             std::string{held_text(action.verb)},
                             action.id);
    }
    course.job.begin(turn, control_, key, command_of(action.verb), std::move(job));
    turn.arm({.kind = TimerKind::Snapshot, .instance = key, .action = {}},
             turn.now().instant + tick);
}

// QEMU answers in order: when the disks are told, its state is known.
void Snapshots::see(Turn& turn, const InstanceKey& key, Course& course) {
    course.state = State::Seeing;
    control_.release(key, held_text(course.action.verb));
    control_.command(turn, key, Monitor::QueryStatus, {});
    course.number = control_.command(turn, key, Monitor::QueryDisks, {});
    wait(turn, key, course, look_limit);
}

void Snapshots::tell(Turn& turn, const Instance& instance, const Course& course) {
    const auto& action = course.action;
    const bool reverts = action.verb == Verb::RevertSnapshot;
    const std::string_view done = action.verb == Verb::SaveSnapshot ? "saved" : "deleted";
    const auto took = to_short_text(turn.now().instant - course.begun);
    Event event{.kind = reverts ? EventKind::Reverted : EventKind::Snapshot};
    event.by = action.principal.name;
    event.action = action.id;
    event.text = reverts ? fmt::format("back to {}, after {}", action.snapshot, took)
                         : fmt::format("{} {}, after {}", action.snapshot, done, took);
    if (!reverts) event.data.emplace_back("what", std::string{done});
    event.data.emplace_back("snapshot", action.snapshot);
    event.data.emplace_back("took", took);
    instances_.tell(turn, instance, std::move(event));
}

// What the job said counts. Where QEMU does not know it any more, what the disks hold does.
void Snapshots::judge(Turn& turn, Instance& instance, Course& course) {
    const auto key = instance.record.key;
    const auto& action = course.action;
    auto failure = course.failure;
    if (course.is_unknown && action.verb == Verb::RevertSnapshot) {
        failure = Error{.code = ErrorCode::Indeterminate,
                        .message = "its agent was restarted; it may or may not have gone back, and "
                                   "is not asked again"};
    } else if (course.is_unknown) {
        const bool is_there = has_snapshot(instance.record, action.snapshot);
        const bool is_done = is_there == (action.verb == Verb::SaveSnapshot);
        failure = std::nullopt;
        if (!is_done) {
            failure = Error{.code = ErrorCode::Unreachable, // asked again it begins anew
                            .message = "its agent was restarted before it was done",
                            .try_next = fmt::format("ctys {} {} {}",
                                                    to_string(action.verb),
                                                    instance.record.label,
                                                    action.snapshot)};
        }
    }
    if (failure && action.verb == Verb::RevertSnapshot &&
        instance.record.state == VmState::Paused && instance.record.reason == "restoring") {
        failure->message += "; it stands: what it holds may be half of each";
        failure->try_next = fmt::format("ctys reset {0}, or ctys kill {0}", instance.record.label);
    }
    const auto took = to_short_text(turn.now().instant - course.begun);
    if (!failure && action.verb != Verb::RevertSnapshot) tell(turn, instance, course);
    finish(turn,
           key,
           Outcome{.error = failure,
                   .text = failure ? std::string{}
                                   : fmt::format("{}, after {}", action.snapshot, took)});
}

void Snapshots::on_timer(Turn& turn, const InstanceKey& key) {
    const auto found = courses_.find(key);
    auto* instance = instances_.find(key);
    if (found == courses_.end() || instance == nullptr) return;
    auto& course = found->second;
    const bool is_over = turn.now().instant >= course.until;
    switch (course.state) {
    case State::Looking:
        return fail(turn,
                    key,
                    {.code = ErrorCode::TimedOut,
                     .message = "QEMU does not tell its disks; nothing was done"});
    case State::Seeing:
        return judge(turn, *instance, course);
    case State::Adopted:
        return fail(turn,
                    key,
                    {.code = ErrorCode::Indeterminate,
                     .message = "its agent was restarted, and QEMU does not call it: nobody knows "
                                "how its job ended"});
    case State::Working:
        break;
    }
    const auto spent = to_short_text(turn.now().instant - course.begun);
    if (is_over && !course.is_over) {
        course.is_over = true;
        works_.end(
            turn,
            course.action.id,
            Outcome{.error = Error{.code = ErrorCode::TimedOut,
                                   .message = fmt::format("QEMU is {} it since {}, and goes on",
                                                          doing(course.action.verb),
                                                          spent)}});
    } else if (const auto* begun = works_.find(course.action.id)) {
        works_.progress(turn, *begun, fmt::format("{} for {}", doing(course.action.verb), spent));
    }
    // The word that it has ended may have been lost with a connection.
    course.job.ask(turn, control_, key);
    turn.arm({.kind = TimerKind::Snapshot, .instance = key, .action = {}},
             turn.now().instant + tick);
}

void Snapshots::on_reply(Turn& turn, const MonitorReply& reply) {
    const auto found = courses_.find(reply.key);
    auto* instance = instances_.find(reply.key);
    if (found == courses_.end() || instance == nullptr) return;
    auto& course = found->second;
    switch (course.state) {
    case State::Looking:
        if (course.number == reply.number) look_at(turn, *instance, course, reply);
        return;
    case State::Working: {
        if (!course.job.awaits(reply) || is_unheard(reply.error)) return;
        const auto end = course.job.judge(turn, control_, reply);
        if (!end) return;
        course.is_unknown = end->is_unknown && course.is_adopted;
        course.failure = end->error;
        // Before it is told to run: what it carries never goes on from where it stood.
        if (!course.failure && course.action.verb == Verb::RevertSnapshot)
            tell(turn, *instance, course);
        return see(turn, reply.key, course);
    }
    case State::Seeing:
        if (course.number != reply.number) return;
        if (!reply.error && course.failure) take_disks(turn, *instance, reply.disks);
        if (!reply.error) instance->record.snapshots = snapshots_of(reply.disks); // told with it
        return judge(turn, *instance, course);
    case State::Adopted:
        return;
    }
}

void Snapshots::on_job(Turn& turn, const InstanceKey& key, const std::string& job) {
    const auto found = courses_.find(key);
    if (found == courses_.end() || !found->second.job.is(job)) return;
    if (found->second.state == State::Working) found->second.job.ask(turn, control_, key);
}

void Snapshots::on_monitor_up(Turn& turn, const InstanceKey& key) {
    const auto found = courses_.find(key);
    if (found == courses_.end()) return;
    auto& course = found->second;
    switch (course.state) {
    case State::Looking:
        course.number = control_.command(turn, key, Monitor::QueryDisks, {});
        return;
    case State::Adopted:
        course.state = State::Working;
        course.until = turn.now().instant + work_limit;
        [[fallthrough]];
    case State::Working:
        course.job.ask(turn, control_, key);
        turn.arm({.kind = TimerKind::Snapshot, .instance = key, .action = {}},
                 turn.now().instant + tick);
        return;
    case State::Seeing:
        return see(turn, key, course);
    }
}

void Snapshots::on_exit(Turn& turn, const InstanceKey& key, const Ending& ending) {
    fail(turn,
         key,
         {.code = ErrorCode::Failed,
          .message = fmt::format("the VM ended meanwhile, by {}", to_string(ending.by))});
}

} // namespace ctys::agent
