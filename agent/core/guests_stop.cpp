#include "agent/core/guests_stop.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

constexpr std::size_t most_named = 8; // VMs in one reminder

/// Its worker record tells everybody, and the next hello says the same.
Event host_stop(const WorkerRecord& worker, std::string text, std::string_view phase) {
    Event event{.kind = EventKind::WorkerHostStop};
    auto record = worker;
    record.host_stops = phase == "begun";
    event.payload = std::move(record);
    event.by = "host";
    event.text = std::move(text);
    event.data = {{"phase", std::string{phase}}};
    return event;
}

std::string counted(std::size_t count, std::string_view what) {
    return count == 0 ? std::string{} : fmt::format(", {} {}", count, what);
}

/// What is not saved by then has a third of its time left to end as it is asked.
Duration time_to_save(Instant cut_at, const Now& now) {
    return std::max(Duration{}, (cut_at - now.instant) * 2 / 3);
}

} // namespace

void GuestsStop::ask(Turn& turn, const std::string& why, Duration deadline) {
    if (!active_) return begin(turn, why, deadline);
    hasten(turn, turn.now().instant + deadline);
    remind(turn);
    tell(turn);
}

void GuestsStop::begin(Turn& turn, const std::string& why, Duration deadline) {
    active_ = true;
    begun_ = turn.now().instant;
    until_ = begun_ + deadline;
    remind_at_ = begun_ + reminder;
    guests_.clear();
    lines_.clear();
    // A stop that was broken off, or one since which nothing was started, is gone on with.
    if (!memory_.is_stopping && !remembers_) memory_.ran.clear();
    memory_.is_stopping = remembers_ = true;
    for (const auto& [key, instance] : instances_.all()) {
        if (!control_.is_ending(key)) admit(turn, instance);
    }
    remember(turn);
    const auto running = instances_.all().size();
    auto text = fmt::format("{}: {} {} here; what is left after {} is cut",
                            why.empty() ? "host stops" : why,
                            running,
                            running == 1 ? "VM runs" : "VMs run",
                            to_short_text(deadline));
    lines_.push_back(text);
    turn.emit(host_stop(turn.worker(), std::move(text), "begun"));
    turn.arm({.kind = TimerKind::HostStop}, begun_ + sign_of_life);
}

void GuestsStop::hasten(Turn& turn, Instant until) {
    if (until >= until_) return;
    until_ = until;
    for (auto& [key, guest] : guests_) {
        auto* instance = instances_.find(key);
        if (is_final(guest.state) || instance == nullptr || guest.cut_at <= until) continue;
        guest.cut_at = until;
        if (guest.state == State::Suspending)
            suspension_.begin_for_host(turn, *instance, save_limit(guest, turn));
        if (guest.state == State::Ending)
            control_.end_for_host(turn, *instance, /*ask=*/true, until - turn.now().instant);
    }
}

void GuestsStop::remember(Turn& turn) {
    turn.remember(memory_);
}

GuestsStop::Guest& GuestsStop::admit(Turn& turn, const Instance& instance) {
    const auto& record = instance.record;
    const auto [at, is_new] = guests_.try_emplace(record.key);
    auto& guest = at->second;
    if (!is_new) return guest;
    const auto now = turn.now().instant;
    guest.label = record.label.empty() ? record.vm.to_string() : record.label;
    guest.seen = now;
    guest.cut_at = until_;
    if (const auto* vm = find_vm_(record)) {
        guest.policy = vm->on_stop;
        guest.grace = vm->grace;
        if (vm->grace) guest.cut_at = std::min(until_, now + *vm->grace);
    }
    auto& ran = memory_.ran;
    const bool is_known = std::find(ran.begin(), ran.end(), record.vm) != ran.end();
    if (instance.ours && !is_known && !control_.is_ending(record.key)) ran.push_back(record.vm);
    return guest;
}

void GuestsStop::review(Turn& turn) {
    if (!active_) return;
    std::vector<InstanceKey> keys;
    for (const auto& [key, instance] : instances_.all()) {
        keys.push_back(key);
    }
    const auto remembered = memory_.ran.size();
    for (const auto& key : keys) {
        auto* instance = instances_.find(key);
        decide(turn, admit(turn, *instance), *instance);
    }
    if (memory_.ran.size() != remembered) remember(turn);
    if (waiting() == 0) return finish(turn);
    if (!lines_.empty()) tell(turn);
}

// Told to end meanwhile it would hear nothing, and be cut when it could have been asked.
bool GuestsStop::wait_for_snapshot(Turn& turn, Guest& guest, Instance& instance) {
    const auto free = snapshots_.check(instance);
    guest.is_at_snapshot = !free;
    if (!guest.is_at_snapshot) return false;
    guest.cut_at = until_;
    if (turn.now().instant >= until_) {
        end(turn, guest, instance, /*ask=*/false);
    } else if (!std::exchange(guest.was_at_snapshot, true)) {
        lines_.push_back(fmt::format("{}: {}; waited for, at most {}",
                                     guest.label,
                                     free.error().message,
                                     to_short_text(until_ - turn.now().instant)));
    }
    return true;
}

Duration GuestsStop::save_limit(const Guest& guest, const Turn& turn) const {
    const auto limit = time_to_save(guest.cut_at, turn.now());
    if (!guest.was_at_snapshot) return limit;
    const auto share = begun_ + (until_ - begun_) * 2 / 3;
    return std::clamp(share - turn.now().instant, Duration{}, limit);
}

bool GuestsStop::suspend(Turn& turn, Guest& guest, Instance& instance) {
    const bool is_under_way = suspension_.holds(instance.record.key); // somebody has asked for it
    const bool wants = guest.policy == OnStop::Suspend || is_under_way;
    if (!wants || guest.was_suspending) return false;
    const auto allowed = control_.check(Action{.verb = Verb::Suspend}, instance);
    if (!is_under_way && !allowed) {
        const auto now = turn.now().instant;
        if (instance.ours && !instance.monitor && now < guest.cut_at) return false;
        guest.was_suspending = true;
        fall_back(turn, guest, instance, allowed.error());
        return false;
    }
    if (guest.grace) guest.cut_at = std::min(until_, turn.now().instant + *guest.grace);
    const auto limit = save_limit(guest, turn);
    if (guest.was_at_snapshot && limit <= Duration{}) {
        guest.was_suspending = true;
        fall_back(turn,
                  guest,
                  instance,
                  Error{.code = ErrorCode::TimedOut, .message = "a snapshot of it took too long"});
        return false;
    }
    guest.state = State::Suspending;
    suspension_.begin_for_host(turn, instance, limit);
    lines_.push_back(
        fmt::format("{}: suspended to disk, at most {} for it", guest.label, to_short_text(limit)));
    return true;
}

void GuestsStop::fall_back(Turn& turn, Guest& guest, Instance& instance, const Error& why) {
    auto text = fmt::format("it is shut down instead of suspended: {}", why.message);
    lines_.push_back(fmt::format("{}: {}", guest.label, text));
    instances_.changed(turn, instance, std::move(text));
}

void GuestsStop::watch_suspension(Turn& turn, Guest& guest, Instance& instance) {
    const auto& key = instance.record.key;
    if (const auto failure = suspension_.take_host_failure(key)) {
        guest.was_suspending = true;
        guest.state = State::Waiting;
        return fall_back(turn, guest, instance, *failure);
    }
    if (turn.now().instant < guest.cut_at) return;
    // Where its state is noted it is ended by the suspension itself.
    if (suspension_.overtake(turn, key, "the stop of its host")) {
        guest.was_suspending = true;
        end(turn, guest, instance, /*ask=*/false);
    }
}

void GuestsStop::decide(Turn& turn, Guest& guest, Instance& instance) {
    if (guest.state == State::Suspending) watch_suspension(turn, guest, instance);
    if (guest.state == State::Ending) {
        const auto failure = control_.take_host_failure(instance.record.key);
        if (failure) {
            const bool is_stuck = failure->code == ErrorCode::Stuck;
            return leave(
                turn, guest, instance, is_stuck ? State::Stuck : State::Left, failure->message);
        }
        if (!control_.is_ending(instance.record.key)) guest.state = State::Waiting;
    }
    if (guest.state == State::Waiting) choose_end(turn, guest, instance);
}

void GuestsStop::choose_end(Turn& turn, Guest& guest, Instance& instance) {
    const auto& record = instance.record;
    const auto now = turn.now().instant;
    if (guest.policy == OnStop::Leave)
        return leave(turn, guest, instance, State::Spared, "its ONSTOP is leave");
    const bool is_anothers = record.owner == Owner::Ctys && !instance.ours;
    if (is_anothers && record.note.empty()) // with one, its wrapper was run by hand
        return leave(turn, guest, instance, State::Spared, "another agent of this machine has it");
    if (guest.policy == OnStop::Kill && !suspension_.holds(record.key))
        return end(turn, guest, instance, /*ask=*/false);
    if (wait_for_snapshot(turn, guest, instance)) return;
    if (suspend(turn, guest, instance)) return;
    // What stands paused is let run by end_for_host(), or cut.
    const auto asked = control_.check(Action{.verb = Verb::Shutdown, .always_cut = true}, instance);
    if (asked) return end(turn, guest, instance, /*ask=*/true);
    if (instance.ours) {
        // QEMU dials in within a second, unless it hangs.
        if (now >= guest.cut_at) end(turn, guest, instance, /*ask=*/false);
        return;
    }
    if (now < guest.seen + foreign_patience) return;
    leave(turn, guest, instance, State::Left, asked.error().message);
}

void GuestsStop::end(Turn& turn, Guest& guest, Instance& instance, bool ask) {
    const auto now = turn.now().instant;
    // What was waited for a monitor is not taken from the time of the guest.
    if (ask) guest.cut_at = guest.grace ? std::min(until_, now + *guest.grace) : until_;
    const auto left = std::max(Duration{}, guest.cut_at - now);
    guest.state = State::Ending;
    control_.end_for_host(turn, instance, ask, left);
    lines_.push_back(
        ask ? fmt::format("{}: asked to end, {} left", guest.label, to_short_text(left))
            : fmt::format("{}: power is cut{}",
                          guest.label,
                          guest.policy == OnStop::Kill ? ", its ONSTOP is kill"
                                                       : ": it could not be asked"));
}

void GuestsStop::leave(
    Turn& turn, Guest& guest, const Instance& instance, State as, std::string why) {
    guest.state = as;
    auto text = fmt::format("left running: {}", why);
    lines_.push_back(fmt::format("{}: {}", guest.label, text));
    instances_.changed(turn, instance, std::move(text));
}

void GuestsStop::on_exit(const Instance& instance, const Ending& ending, bool saved) {
    const auto found = guests_.find(instance.record.key);
    if (!active_ || found == guests_.end()) return;
    auto& guest = found->second;
    if (saved) {
        guest.state = State::Suspended;
        lines_.push_back(fmt::format("{}: suspended to disk, {} left", guest.label, waiting()));
        return;
    }
    const bool is_cut = guest.state == State::Ending &&
                        (ending.by == EndedBy::Host || ending.by == EndedBy::Signal);
    guest.state = is_cut ? State::Cut : State::Ended;
    lines_.push_back(fmt::format("{}: ended by {}{}{}, {} left",
                                 guest.label,
                                 to_string(ending.by),
                                 ending.detail.empty() ? "" : ": ",
                                 ending.detail,
                                 waiting()));
}

void GuestsStop::on_timer(Turn& turn) {
    if (!active_) return;
    if (turn.now().instant >= remind_at_) remind(turn);
    tell(turn);
    turn.arm({.kind = TimerKind::HostStop}, turn.now().instant + sign_of_life);
}

void GuestsStop::remind(const Turn& turn) {
    remind_at_ = turn.now().instant + reminder;
    std::vector<std::string> names;
    for (const auto& [key, guest] : guests_) {
        if (is_final(guest.state)) continue;
        if (names.size() == most_named) {
            names.emplace_back("...");
            break;
        }
        const auto left = std::max(Duration{}, guest.cut_at - turn.now().instant);
        names.push_back(
            guest.state == State::Waiting
                ? fmt::format("{} ({})",
                              guest.label,
                              guest.is_at_snapshot ? "at a snapshot" : "no monitor yet")
            : guest.state == State::Suspending ? fmt::format("{} (being suspended)", guest.label)
            : control_.cut_at(key) ? fmt::format("{} (cut in {})", guest.label, to_short_text(left))
                                   : guest.label);
    }
    lines_.push_back(fmt::format("waiting for {}", fmt::join(names, ", ")));
}

void GuestsStop::finish(Turn& turn) {
    active_ = memory_.is_stopping = false;
    remember(turn);
    auto text = fmt::format("guests stopped in {}: {} by themselves{}{}{}{}{}",
                            to_short_text(turn.now().instant - begun_),
                            count(State::Ended),
                            counted(count(State::Suspended), "suspended"),
                            counted(count(State::Cut), "cut"),
                            counted(count(State::Spared), "spared"),
                            counted(count(State::Left), "left running"),
                            counted(count(State::Stuck), "stuck"));
    std::optional<Error> error;
    if (count(State::Left) + count(State::Stuck) > 0) {
        error = Error{.code = count(State::Stuck) > 0 ? ErrorCode::Stuck : ErrorCode::Partial,
                      .message = text};
    }
    lines_.push_back(text);
    turn.emit(host_stop(turn.worker(), std::move(text), "done"));
    tell(turn, /*done=*/true, std::move(error));
}

void GuestsStop::tell(Turn& turn, bool done, std::optional<Error> error) {
    for (const auto& line : lines_) {
        turn.log(LogLine::Level::Info, line);
    }
    turn.now_do(
        TellStop{msg::GuestsStopping{.lines = std::exchange(lines_, {}),
                                     .left = std::max(Duration{}, until_ - turn.now().instant),
                                     .waiting = static_cast<std::uint32_t>(waiting()),
                                     .done = done,
                                     .error = std::move(error)}});
}

std::size_t GuestsStop::count(State state) const {
    return static_cast<std::size_t>(
        std::count_if(guests_.begin(), guests_.end(), [&](const auto& item) {
            return item.second.state == state;
        }));
}

} // namespace ctys::agent
