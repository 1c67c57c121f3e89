#include "agent/core/suspension.h"

#include "mesh/qemu/saved_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

constexpr std::string_view being_suspended = "it is being suspended to disk";
constexpr KeepPurpose suspend_purpose{
    .cannot = "be suspended", .keeps = "keep a state", .instead = "pause"};

} // namespace

Status Suspension::check(const Instance& instance) const {
    const auto found = courses_.find(instance.record.key);
    if (found == courses_.end()) return {};
    return ctys::fail(ErrorCode::Conflict,
                      found->second.only_clears
                          ? std::string{"its former saved state is still being deleted; "
                                        "ask again"}
                          : std::string{being_suspended},
                      "ctys actions");
}

bool Suspension::holds(const InstanceKey& key) const {
    const auto found = courses_.find(key);
    return found != courses_.end() && !found->second.only_clears;
}

std::optional<Error> Suspension::take_host_failure(const InstanceKey& key) {
    auto found = host_failures_.extract(key);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
}

std::uint64_t Suspension::send(Turn& turn, const InstanceKey& key, Monitor command, StateJob job) {
    return control_.command(turn, key, command, {}, std::move(job));
}

void Suspension::wait(Turn& turn, const InstanceKey& key, Course& course, Duration limit) {
    course.until = turn.now().instant + limit;
    turn.arm({.kind = TimerKind::Suspension, .instance = key, .action = {}}, course.until);
}

void Suspension::open(Turn& turn, const Instance& instance, Course course, Duration limit) {
    const auto& key = instance.record.key;
    course.begun = turn.now().instant;
    course.was_running = instance.record.state != VmState::Paused;
    if (!course.only_clears) control_.reserve(key, std::string{being_suspended});
    course.number = send(turn, key, Monitor::QueryDisks);
    auto& at = courses_[key] = std::move(course);
    wait(turn, key, at, limit);
}

void Suspension::begin(Turn& turn, const Action& action, Instance& instance, Instant asked) {
    works_.begin(turn, action, instance.record.label, instance.record.key);
    const auto end = asked + action.deadline.value_or(save_limit);
    open(turn,
         instance,
         {.action = action.id, .by = action.principal.name},
         std::max(Duration{}, end - turn.now().instant));
}

void Suspension::begin_for_host(Turn& turn, Instance& instance, Duration limit) {
    const auto& key = instance.record.key;
    host_failures_.erase(key);
    if (!holds(key)) {
        finish(turn, key, {}); // a deletion: its start is done
        return open(turn, instance, {.for_host = true, .by = "host"}, limit);
    }
    auto& course = courses_.at(key);
    course.for_host = true;
    const bool is_sooner = turn.now().instant + limit < course.until;
    if (course.state <= State::Saving && is_sooner) wait(turn, key, course, limit);
}

void Suspension::clear(Turn& turn, Instance& instance, ActionId action, std::string text) {
    if (courses_.contains(instance.record.key)) {
        works_.end(turn, action, Outcome{.error = {}, .text = std::move(text)});
        return;
    }
    open(turn,
         instance,
         {.only_clears = true, .action = action, .text = std::move(text)},
         clear_limit);
}

void Suspension::adopt(Turn& turn, Instance& instance, ActionId action) {
    const auto& key = instance.record.key;
    control_.reserve(key, std::string{being_suspended});
    auto& course = courses_[key];
    course = {.state = State::Adopted, .action = action, .by = "agent"};
    course.begun = turn.now().instant;
    wait(turn, key, course, return_limit);
    if (instance.monitor) on_monitor_up(turn, key);
}

void Suspension::cancel(Turn& turn, ActionId action) {
    const auto found = std::find_if(courses_.begin(), courses_.end(), [&](const auto& item) {
        return !item.second.only_clears && item.second.action == action;
    });
    if (found == courses_.end()) return;
    auto& [key, course] = *found;
    auto* instance = instances_.find(key);
    if (instance == nullptr || course.state >= State::Noting) return; // too late
    Error cancelled{.code = ErrorCode::Cancelled, .message = "cancelled"};
    if (course.state < State::Stopping) return fail(turn, InstanceKey{key}, std::move(cancelled));
    give_back(turn, *instance, course, std::move(cancelled));
}

Status Suspension::overtake(Turn& turn, const InstanceKey& key, const std::string& by) {
    const auto found = courses_.find(key);
    if (found == courses_.end() || found->second.only_clears) return {};
    const auto state = found->second.state;
    if (state == State::Noting || state == State::Quitting || state == State::Cutting)
        return ctys::fail(ErrorCode::Conflict, "its state is saved, and it is about to end");
    fail(turn,
         InstanceKey{key},
         Error{.code = ErrorCode::Conflict, .message = fmt::format("overtaken by {}", by)});
    return {};
}

void Suspension::fail(Turn& turn, const InstanceKey& key, Error error) {
    finish(turn, key, Outcome{.error = std::move(error)});
}

void Suspension::finish(Turn& turn, const InstanceKey& key, Outcome outcome) {
    const auto found = courses_.find(key);
    if (found == courses_.end()) return;
    const auto course = std::move(found->second);
    courses_.erase(found);
    if (!course.only_clears) control_.release(key, being_suspended);
    if (course.only_clears) {
        // The VM runs: its start is done, and the worst that is left is a file that is too large.
        if (outcome.error) {
            const auto why = fmt::format("the snapshot {} stays in its image: {}",
                                         qemu::saved_state_tag,
                                         outcome.error->message);
            turn.log(LogLine::Level::Warning, why);
            outcome = Outcome{.error = {}, .text = fmt::format("; {}", why)};
        }
        outcome.text = course.text + outcome.text;
    }
    if (course.for_host && outcome.error) host_failures_[key] = *outcome.error;
    works_.end(turn, course.action, std::move(outcome));
}

void Suspension::run_job(Turn& turn, const InstanceKey& key, Course& course, Monitor command) {
    const bool saves = command == Monitor::SaveState;
    // A job of a former life of the agent may still be there, concluded and not dismissed.
    auto id =
        fmt::format("ctys-{}-{:x}-{}", saves ? "save" : "delete", turn.now().wall.us, ++last_job_);
    course.job.begin(turn,
                     control_,
                     key,
                     command,
                     {.id = std::move(id),
                      .tag = std::string{qemu::saved_state_tag},
                      .vmstate = saves ? course.nodes.front() : std::string{},
                      .nodes = course.nodes});
}

void Suspension::look_at(Turn& turn,
                         const Instance& instance,
                         Course& course,
                         const MonitorReply& reply) {
    const auto key = instance.record.key;
    if (reply.error) return fail(turn, key, *reply.error);
    if (course.only_clears) {
        course.nodes = nodes_that_may_keep(reply.disks);
        if (course.nodes.empty()) return finish(turn, key, {});
    } else {
        auto nodes = nodes_that_keep(reply.disks, instance.record.label, suspend_purpose);
        if (!nodes) return fail(turn, key, nodes.error());
        course.nodes = std::move(*nodes);
    }
    // An older snapshot of this name would keep a new one from being saved.
    course.state = State::Clearing;
    run_job(turn, key, course, Monitor::DeleteState);
}

void Suspension::judge_job(Turn& turn,
                           Instance& instance,
                           Course& course,
                           const MonitorReply& reply) {
    const auto key = instance.record.key;
    const bool saves = course.state == State::Saving;
    const auto end = course.job.judge(turn, control_, reply);
    if (!end) return;
    const auto& error = end->error;
    if (error && saves)
        return give_back(turn, instance, course, within("its state was not saved", *error));
    if (error) return fail(turn, key, within("a former saved state could not be deleted", *error));
    if (saves) return note(turn, instance, course, /*saved=*/true);
    if (course.only_clears) return finish(turn, key, {});
    stop(turn, instance, course);
}

void Suspension::stop(Turn& turn, Instance& instance, Course& course) {
    course.state = State::Stopping;
    // Known to a later life of the agent before anything stands still.
    instances_.set_state(turn,
                         instance,
                         VmState::Paused,
                         std::string{reason::suspending},
                         course.by,
                         "its state is being saved",
                         course.action);
    course.number = send(turn, instance.record.key, Monitor::Stop);
}

void Suspension::note(Turn& turn, const Instance& instance, Course& course, bool saved) {
    course.number = control_.next_number();
    put_note(turn, instance.record, course.number, saved);
    if (!saved) return;
    course.state = State::Noting;
    wait(turn, instance.record.key, course, note_limit);
}

void Suspension::put_note(Turn& turn,
                          const InstanceRecord& record,
                          std::uint64_t number,
                          bool saved) {
    ++notes_[record.config];
    turn.then(NoteState{.key = record.key,
                        .number = number,
                        .config = record.config,
                        .uid = record.uid,
                        .saved = saved});
}

void Suspension::quit(Turn& turn, Instance& instance, Course& course) {
    const auto& key = instance.record.key;
    course.state = State::Quitting;
    instances_.set_state(turn,
                         instance,
                         VmState::Paused,
                         std::string{reason::saved},
                         course.by,
                         "its state is saved",
                         course.action);
    instance.last_stop = "its state is on disk";
    instance.last_action = course.action;
    send(turn, key, Monitor::Quit);
    wait(turn, key, course, quit_limit);
}

void Suspension::give_back(Turn& turn, const Instance& instance, Course& course, Error why) {
    const auto& key = instance.record.key;
    if (course.state == State::Saving && !course.job.id().empty())
        send(turn, key, Monitor::CancelJob, {.id = course.job.id()});
    course.may_be_noted = course.state == State::Noting || course.state == State::Adopted;
    course.why = std::move(why);
    course.state = State::Returning;
    course.job.forget();
    course.until = turn.now().instant + return_limit;
    go_on(turn, instance, course);
}

// Again and again: QEMU may be busy with saving, and its monitor may be away.
void Suspension::go_on(Turn& turn, const Instance& instance, Course& course) {
    const auto& key = instance.record.key;
    turn.arm({.kind = TimerKind::Suspension, .instance = key, .action = {}},
             std::min(course.until, turn.now().instant + return_again));
    if (course.may_be_noted) {
        // One after the other: the answer to one that was overtaken would count for nothing.
        if (!is_noting(instance.record.config)) note(turn, instance, course, /*saved=*/false);
        return;
    }
    // What stood before stands again: that it is answered shows that QEMU is done with saving.
    course.number = send(turn, key, course.was_running ? Monitor::Cont : Monitor::Stop);
}

void Suspension::returned(Turn& turn, Instance& instance, Course& course) {
    const auto state = course.was_running ? VmState::Running : VmState::Paused;
    auto why = std::move(course.why);
    why.message += course.was_running ? "; it runs on" : "; it stands as before";
    instances_.set_state(turn, instance, state, {}, course.by, why.message, course.action);
    fail(turn, instance.record.key, std::move(why));
    clear(turn, instance, {}, {});
}

void Suspension::stay(Turn& turn, Instance& instance, Course& course) {
    auto why = std::move(course.why);
    const auto& label = instance.record.label;
    if (course.may_be_noted) {
        why.message += "; it stands: its note could not be taken away";
        why.try_next = fmt::format("ctys kill {0}; ctys start {0} goes on from there", label);
    } else {
        why.message += "; it stands: QEMU does not let it go on";
        why.try_next = fmt::format("ctys resume {}", label);
        instances_.set_state(turn, instance, VmState::Paused, {}, course.by, why.message);
    }
    fail(turn, instance.record.key, std::move(why));
}

void Suspension::on_timer(Turn& turn, const InstanceKey& key) {
    const auto found = courses_.find(key);
    auto* instance = instances_.find(key);
    if (found == courses_.end() || instance == nullptr) return;
    auto& course = found->second;
    const bool is_over = turn.now().instant >= course.until;
    if (!is_over && course.state == State::Returning) return go_on(turn, *instance, course);
    if (!is_over) return;
    const auto spent = to_short_text(turn.now().instant - course.begun);
    const auto late = [&](std::string_view what) {
        return Error{.code = ErrorCode::TimedOut,
                     .message = fmt::format("{} within {}", what, spent)};
    };
    switch (course.state) {
    case State::Looking:
    case State::Clearing:
        return fail(turn, key, late("QEMU has not got ready to save"));
    case State::Stopping:
    case State::Saving:
        return give_back(turn, *instance, course, late("its state was not saved"));
    case State::Noting:
        return give_back(
            turn, *instance, course, late("the note of its saved state was not written"));
    case State::Quitting:
        course.state = State::Cutting;
        wait(turn, key, course, stuck_limit);
        return control_.abandon(turn, *instance, "its state is saved");
    case State::Cutting:
        return fail(turn,
                    key,
                    Error{.code = ErrorCode::Stuck,
                          .message = fmt::format("its state is saved, and process {} does not end",
                                                 key.pid)});
    case State::Returning:
        return stay(turn, *instance, course);
    case State::Adopted:
        // Its QEMU may still dial: only its action ends.
        return works_.end(
            turn,
            std::exchange(course.action, {}),
            Outcome{.error = Error{.code = ErrorCode::Indeterminate,
                                   .message = "its agent was restarted, and QEMU does not call "
                                              "it: nobody knows whether its state was saved"}});
    }
}

void Suspension::on_reply(Turn& turn, const MonitorReply& reply) {
    const auto found = courses_.find(reply.key);
    auto* instance = instances_.find(reply.key);
    if (found == courses_.end() || instance == nullptr) return;
    auto& course = found->second;
    const bool has_job = course.state == State::Clearing || course.state == State::Saving;
    if (has_job ? !course.job.awaits(reply) : course.number != reply.number) return;
    switch (course.state) {
    case State::Looking:
        return look_at(turn, *instance, course, reply);
    case State::Clearing:
    case State::Saving:
        return judge_job(turn, *instance, course, reply);
    case State::Stopping:
        if (reply.error) return give_back(turn, *instance, course, *reply.error);
        course.state = State::Saving;
        return run_job(turn, reply.key, course, Monitor::SaveState);
    case State::Returning:
        if (!reply.error) returned(turn, *instance, course);
        return;
    case State::Noting:
    case State::Quitting:
    case State::Cutting:
    case State::Adopted:
        return;
    }
}

void Suspension::on_job(Turn& turn, const InstanceKey& key, const std::string& job) {
    const auto found = courses_.find(key);
    if (found != courses_.end() && found->second.job.is(job))
        found->second.job.ask(turn, control_, key);
}

void Suspension::on_noted(Turn& turn, const StateNoted& noted) {
    if (const auto note = notes_.find(noted.config); note != notes_.end() && --note->second == 0)
        notes_.erase(note);
    const auto found = courses_.find(noted.key);
    auto* instance = instances_.find(noted.key);
    if (instance == nullptr) return;
    if (found == courses_.end()) {
        // Given up as one whose note stays, and now it is away: it may run again.
        if (!noted.saved && !noted.error && is_being_suspended(instance->record))
            instances_.set_state(turn, *instance, VmState::Paused, {}, {}, "its note is away");
        return;
    }
    auto& course = found->second;
    if (course.number != noted.number || (course.state == State::Returning && noted.saved)) {
        // What was under way when it was given up is done.
        if (course.state == State::Returning && course.may_be_noted) go_on(turn, *instance, course);
        return;
    }
    if (course.state == State::Noting) {
        if (!noted.error) return quit(turn, *instance, course);
        return give_back(
            turn, *instance, course, within("its saved state could not be noted", *noted.error));
    }
    if (course.state != State::Returning || noted.error) return;
    course.may_be_noted = false;
    go_on(turn, *instance, course);
}

void Suspension::on_monitor_up(Turn& turn, const InstanceKey& key) {
    const auto found = courses_.find(key);
    auto* instance = instances_.find(key);
    if (found == courses_.end() || instance == nullptr) return;
    auto& course = found->second;
    switch (course.state) {
    case State::Looking:
        course.number = send(turn, key, Monitor::QueryDisks);
        return;
    case State::Clearing:
    case State::Saving:
        return on_job(turn, key, std::string{course.job.id()});
    case State::Stopping:
        course.number = send(turn, key, Monitor::Stop);
        return;
    case State::Quitting:
        send(turn, key, Monitor::Quit);
        return;
    case State::Returning:
        return go_on(turn, *instance, course);
    case State::Adopted:
        if (instance->record.reason == reason::saved) return quit(turn, *instance, course);
        return give_back(turn,
                         *instance,
                         course,
                         Error{.code = ErrorCode::Unreachable, // asked again it begins anew
                               .message = "its agent was restarted before its state was saved"});
    case State::Noting:
    case State::Cutting:
        return;
    }
}

void Suspension::on_exit(Turn& turn, const Instance& instance, const Ending& ending, bool saved) {
    const auto& key = instance.record.key;
    host_failures_.erase(key);
    const auto found = courses_.find(key);
    if (found == courses_.end()) return;
    const auto took = to_short_text(turn.now().instant - found->second.begun);
    if (saved || found->second.only_clears) {
        return finish(
            turn,
            key,
            {.error = {}, .text = saved ? fmt::format("suspended to disk after {}", took) : ""});
    }
    found->second.for_host = false; // it has ended all the same
    fail(turn,
         key,
         Error{.code = ErrorCode::Failed,
               .message = fmt::format("the VM ended meanwhile, by {}, and its state was not saved",
                                      to_string(ending.by))});
}

} // namespace ctys::agent
