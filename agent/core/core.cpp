#include "agent/core/core.h"

#include "mesh/qemu/command_line.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

/// For people who watch: of what a survey tells.
std::string what_differs(const WorkerRecord& before, const WorkerRecord& now) {
    std::vector<std::string_view> parts;
    if (before.equipment != now.equipment) parts.emplace_back("its machine");
    if (before.binaries != now.binaries) parts.emplace_back("emulators");
    if (before.accelerators != now.accelerators) parts.emplace_back("accelerators");
    if (before.pools != now.pools) parts.emplace_back("pools");
    if (before.blind_spots != now.blind_spots) parts.emplace_back("what it may not see");
    return parts.empty() ? "looked at anew"
                         : fmt::format("other than before: {}", fmt::join(parts, ", "));
}

} // namespace

AgentCore::AgentCore(CoreSettings settings, Recovered recovered)
    : worker_(std::move(settings.worker)), last_sequence_(recovered.stream.last_sequence),
      hash_(recovered.stream.hash), recovered_(std::move(recovered.intents)),
      control_(instances_, works_, std::move(settings.owners)),
      suspension_(instances_, works_, control_), media_(instances_, works_, control_),
      snapshots_(instances_, works_, control_), starter_(instances_, works_, control_, suspension_),
      hand_starts_(instances_, works_), own_machine_(works_, std::move(settings.self_refused)),
      memory_(std::move(recovered.memory)),
      guests_stop_(instances_,
                   control_,
                   suspension_,
                   snapshots_,
                   memory_,
                   [this](const InstanceRecord& record) { return find_vm(record); }),
      boot_starts_(instances_, works_, starter_), stop_deadline_(settings.stop_deadline),
      survey_patience_(settings.survey_patience),
      uplink_(recovered.stream, settings.spool_limit, [this] { return facts(); }) {
    // The spool is the dedup table: what it says has ended is not begun again (DESIGN: Intents).
    for (const auto& kept : recovered.stream.kept) {
        const auto event = schema::decode_event(view(kept.bytes));
        if (event && event->kind == EventKind::ActionEnded) works_.know_ended(event->action);
    }
}

Effects AgentCore::finish(Turn& turn) {
    if (!turn.emitted().empty() && std::exchange(memory_is_new_, false)) turn.remember(memory_);
    uplink_.on_emitted(turn.emitted());
    if (auto trim = uplink_.take_dropped()) turn.now_do(*trim);
    return turn.finish();
}

void AgentCore::know_paths(const std::vector<PathFacts>& paths) {
    for (const auto& facts : paths) {
        paths_.insert_or_assign(facts.path.config, facts);
    }
}

Effects AgentCore::start(Now now) {
    Turn turn{now, worker_, last_sequence_, hash_};
    started_ = true;
    for (const auto& intent : std::exchange(recovered_, {})) {
        settle(turn, intent);
    }
    adopt_suspensions(turn);
    if (memory_.boot != worker_.boot) begin_boot(turn);
    uplink_.start(turn, 0);
    review(turn);
    return finish(turn);
}

void AgentCore::begin_boot(Turn& turn) {
    boot_starts_.begin(turn, worker_.boot, memory_.ran, survey_patience_);
    for (const auto& [config, facts] : paths_) {
        boot_starts_.on_path(facts);
    }
    memory_.boot = worker_.boot;
    memory_.is_stopping = false;
    memory_is_new_ = true;
}

void AgentCore::review(Turn& turn) {
    guests_stop_.review(turn);
    worker_.host_stops = guests_stop_.is_active();
    boot_starts_.review(turn, uplink_.online());
}

Effects AgentCore::step(Input input, Now now) {
    Turn turn{now, worker_, last_sequence_, hash_};
    if (guests_stop_.is_active()) turn.hurry();
    uplink_.on_step(turn);
    std::visit([&](auto& each) { on(turn, each); }, input);
    review(turn);
    return finish(turn);
}

std::vector<Event> AgentCore::facts() const {
    std::vector<Event> facts;
    Event about{.kind = EventKind::WorkerFact};
    about.worker = worker_.id;
    about.worker_name = worker_.name;
    about.time = worker_since_;
    about.payload = worker_;
    facts.push_back(about);
    for (const auto& [config, path] : paths_) {
        Event event{.kind = EventKind::PathSeen};
        event.worker = worker_.id;
        event.worker_name = worker_.name;
        event.vm = path.vm.id;
        event.label = path.vm.label;
        event.time = path.path.last_seen;
        event.payload = path;
        facts.push_back(std::move(event));
    }
    for (const auto& [key, instance] : instances_.all()) {
        Event event{.kind = kind_of(instance.record.state)};
        event.worker = worker_.id;
        event.worker_name = worker_.name;
        event.vm = instance.record.vm;
        event.label = instance.record.label;
        event.new_state = instance.record.state;
        event.time = instance.record.since;
        event.payload = instance.record;
        facts.push_back(std::move(event));
    }
    return facts;
}

void AgentCore::on(Turn& turn, FromBroker& from) {
    std::visit([&](const auto& body) { on_body(turn, from.envelope, body); }, from.envelope.body);
}

Status AgentCore::check_time(Turn& turn, const msg::Command& command) const {
    const auto session = uplink_.session(turn.now().instant);
    if (!session)
        return fail(ErrorCode::Expired, "the worker has not heard the broker's clock for 3 s");
    if (*session > command.expires)
        return fail(ErrorCode::Expired, "it reached its worker after its expiry");
    if (spool_broken_) return fail(ErrorCode::Degraded, "the worker cannot write its spool");
    return {};
}

Status AgentCore::execute(Turn& turn, const msg::Command& command) {
    const auto& action = command.action;
    if (auto ok = check_time(turn, command); !ok) return ok;
    if (action.verb == Verb::Start && guests_stop_.is_active())
        return fail(ErrorCode::Conflict, "its host stops: nothing is started there");
    if (action.verb == Verb::Start) {
        auto& newest = tokens_[action.vm];
        if (action.token <= newest)
            return fail(ErrorCode::Conflict, "a newer start was given before");
        const auto path = paths_.find(action.config);
        const auto* facts = path == paths_.end() ? nullptr : &path->second;
        if (hand_starts_.is_starting(action.vm))
            return fail(ErrorCode::Conflict, "is being started here by hand");
        if (auto ok = starter_.check(action, facts != nullptr ? &facts->path : nullptr); !ok)
            return ok;
        newest = action.token;
        starter_.begin(turn, action, facts->path, facts->vm.label);
        return {};
    }
    const bool names_process = action.instance != InstanceKey{};
    if (action.verb == Verb::Init && !names_process) return own_machine_.begin(turn, action);
    if (action.verb == Verb::Scan) {
        works_.begin(turn, action, worker_.name, {});
        turn.then(ScanNow{action.id});
        return {};
    }
    const auto now = turn.now().instant;
    const auto target = require_target(action);
    if (!target) return tl::unexpected(target.error());
    const auto* live = *target;
    if (patience_.is_full() || !control_.awaits_monitor(action, *live))
        return begin_on_vm(turn, command, now);
    auto wait = std::min(Patience::limit, command.expires - *uplink_.session(now));
    if (action.deadline) wait = std::min(wait, *action.deadline);
    patience_.keep(turn, {command, live->record.key, now}, now + wait);
    return {};
}

Status AgentCore::begin_on_vm(Turn& turn, const msg::Command& command, Instant asked) {
    const auto target = require_target(command.action);
    if (!target) return tl::unexpected(target.error());
    if (auto ok = control_.check(command.action, **target); !ok) return ok;
    auto& vm = **target;
    const auto verb = command.action.verb;
    const bool saves = verb == Verb::Suspend || is_of_snapshots(verb);
    // What is saved and loaded is also what is in its drives.
    if (auto ok = saves || is_of_media(verb) ? media_.check(vm) : Status{}; !ok) return ok;
    if (auto ok = saves ? suspension_.check(vm) : Status{}; !ok) return ok;
    if (auto ok = saves ? snapshots_.check(vm) : Status{}; !ok) return ok;
    if (is_of_snapshots(verb)) {
        snapshots_.begin(turn, command.action, vm);
    } else if (verb == Verb::Suspend) {
        suspension_.begin(turn, command.action, vm, asked);
    } else if (is_of_media(verb)) {
        media_.begin(turn, command.action, vm);
    } else {
        const auto by = command.action.id.to_string();
        const bool kills = verb == Verb::Kill;
        if (auto ok = kills ? suspension_.overtake(turn, vm.record.key, by) : Status{}; !ok)
            return ok;
        control_.begin(turn, command.action, vm, asked);
    }
    return {};
}

Result<Instance*> AgentCore::require_target(const Action& action) {
    const auto* live = instances_.find_live(action.vm);
    if (live == nullptr) return fail(ErrorCode::Conflict, "it does not run here any more");
    // A broker of an older version does not say which process it means.
    const auto key = action.instance == InstanceKey{} ? live->record.key : action.instance;
    auto* meant = instances_.find(key);
    if (meant == nullptr || meant->record.vm != action.vm) {
        return fail(ErrorCode::Conflict,
                    fmt::format("the process {} that was meant has ended; another start runs now "
                                "(pid {})",
                                key.pid,
                                live->record.key.pid));
    }
    return meant;
}

void AgentCore::begin_or_refuse(Turn& turn, const Patience::Order& order) {
    auto begun = check_time(turn, order.command);
    if (begun) begun = begin_on_vm(turn, order.command, order.asked);
    if (!begun) refuse(turn, order.command.action.id, begun.error());
}

void AgentCore::on_body(Turn& turn, const Envelope& /*envelope*/, const msg::Command& command) {
    // Sent again after a broken connection or a restart: what is known is not begun twice.
    if (works_.known(command.action.id) != msg::CommandStatus::Known::Never) return;
    if (patience_.holds(command.action.id)) return;
    if (auto begun = execute(turn, command); !begun) refuse(turn, command.action.id, begun.error());
}

void AgentCore::refuse(Turn& turn, ActionId action, Error error) {
    works_.refuse(action);
    constexpr std::size_t most_refusals = 256;
    if (refusals_.size() == most_refusals) refusals_.erase(refusals_.begin());
    refusals_.emplace_back(action, std::move(error));
    refuse_again(turn, action);
}

bool AgentCore::refuse_again(Turn& turn, ActionId action) const {
    const auto found = std::find_if(
        refusals_.begin(), refusals_.end(), [&](const auto& item) { return item.first == action; });
    if (found == refusals_.end()) return false;
    turn.then(ToBroker{Envelope{.body = msg::CommandRefused{action, found->second}}});
    return true;
}

void AgentCore::on_body(Turn& turn, const Envelope& /*envelope*/, const msg::CommandQuery& query) {
    if (refuse_again(turn, query.action)) return;
    const auto known = patience_.holds(query.action) ? msg::CommandStatus::Known::Running
                                                     : works_.known(query.action);
    // Its end is among the events that the broker has not acknowledged: they tell it better.
    if (known == msg::CommandStatus::Known::Ended && !uplink_.is_drained()) return;
    turn.then(ToBroker{Envelope{.body = msg::CommandStatus{query.action, known}}});
}

void AgentCore::on_body(Turn& turn, const Envelope& /*envelope*/, const msg::Withdraw& withdraw) {
    if (works_.find(withdraw.action) != nullptr) return starter_.withdraw(turn, withdraw.action);
    // How it ended is among the events that the broker has not acknowledged: perhaps it runs. No
    // event tells of what was refused.
    const bool has_ended = works_.known(withdraw.action) == msg::CommandStatus::Known::Ended;
    if (has_ended && !works_.was_refused(withdraw.action) && !uplink_.is_drained()) return;
    static_cast<void>(patience_.take(withdraw.action));
    works_.refuse(withdraw.action);
    turn.then(ToBroker{Envelope{.body = msg::Withdrawn{withdraw.action}}});
}

void AgentCore::on_body(Turn& turn,
                        const Envelope& /*envelope*/,
                        const msg::CancelCommand& cancel) {
    if (patience_.take(cancel.action)) {
        return refuse(turn,
                      cancel.action,
                      Error{.code = ErrorCode::Cancelled, .message = "cancelled before it began"});
    }
    starter_.withdraw(turn, cancel.action);
    control_.cancel(turn, cancel.action);
    suspension_.cancel(turn, cancel.action);
    media_.cancel(turn, cancel.action);
    snapshots_.cancel(turn, cancel.action);
}

void AgentCore::on_body(Turn& turn, const Envelope& envelope, const msg::Failure& failure) {
    if (!boot_starts_.on_failure(turn, envelope.correlation))
        hand_starts_.on_failure(turn, envelope.correlation);
    if (failure.error.code == ErrorCode::Expired) return uplink_.on_hello_again(turn, 0);
    turn.log(
        LogLine::Level::Warning,
        fmt::format("the broker answers ({}): {}", envelope.correlation, failure.error.message));
}

template <typename Other>
void AgentCore::on_body(Turn& turn, const Envelope& envelope, const Other& other) {
    if constexpr (std::is_same_v<Other, msg::Ping>) {
        uplink_.on_ping(turn, other);
    } else if constexpr (std::is_same_v<Other, msg::Pong>) {
        uplink_.on_pong(other);
    } else if constexpr (std::is_same_v<Other, msg::Welcome>) {
        uplink_.on_welcome(turn, other);
        starter_.on_online(turn);
    } else if constexpr (std::is_same_v<Other, msg::Acknowledge>) {
        uplink_.on_acknowledge(turn, other);
    } else if constexpr (std::is_same_v<Other, msg::Confirmed>) {
        starter_.on_confirmed(turn, other);
    } else if constexpr (std::is_same_v<Other, msg::HandGrant>) {
        if (!boot_starts_.on_grant(turn, other)) hand_starts_.on_grant(turn, other);
    } else if constexpr (std::is_same_v<Other, msg::ProveStorage>) {
        turn.now_do(ProveRequest{other, envelope.correlation});
    } else {
        turn.log(
            LogLine::Level::Warning,
            fmt::format("a message of kind {} makes no sense to an agent", envelope.body.index()));
    }
}

void AgentCore::on(Turn& turn, Appeared& appeared) {
    if (instances_.find(appeared.record.key) != nullptr) return;
    const bool ours = appeared.record.managed && appeared.record.owner == Owner::Ctys;
    if (!ours) hand_starts_.recognise(appeared.record);
    control_.tell_asking(appeared.record, appeared.handle);
    auto& instance = instances_.add(turn, std::move(appeared.record), ours, appeared.adopted);
    instance.handle = std::move(appeared.handle);
    instance.adopted = ours && appeared.adopted;
    // What a former life could ask is told as such again when QEMU has dialled this one.
    if (instance.adopted) {
        instance.record.guest_agent = false;
        if (std::exchange(instance.record.can_ask, false))
            instances_.changed(turn, instance, "its monitor is awaited");
    }
    if (!appeared.adopted) guests_stop_.on_started();
    starter_.on_appeared(turn, instance);
    hand_starts_.on_appeared(turn, instance);
}

void AgentCore::on(Turn& turn, EndedWhileAway& ended) {
    const auto key = ended.record.key;
    keep_state(turn, ended.record);
    instances_.add(turn, std::move(ended.record), /*ours=*/true, /*adopted=*/true);
    instances_.end(turn, key, ended.ending);
}

void AgentCore::on(Turn& turn, const Exited& exited) {
    const auto* instance = instances_.find(exited.key);
    if (instance == nullptr) return;
    const auto ending = instances_.explain(*instance, exited.ending);
    // The event of the end comes before the outcome that rests on it.
    const auto copy = *instance;
    keep_state(turn, copy.record);
    instances_.end(turn, exited.key, ending);
    const bool saved = instances_.has_suspended(exited.key);
    control_.on_exit(turn, copy, ending);
    suspension_.on_exit(turn, copy, ending, saved);
    media_.on_exit(turn, exited.key, ending);
    snapshots_.on_exit(turn, exited.key, ending);
    starter_.on_exit(turn, copy, ending);
    guests_stop_.on_exit(copy, ending, saved);
    for (const auto& order : patience_.take(exited.key)) {
        begin_or_refuse(turn, order);
    }
}

void AgentCore::on(Turn& turn, const MonitorUp& up) {
    auto* instance = instances_.find(up.key);
    if (instance == nullptr) return;
    come_up(turn, *instance, up);
    media_.on_monitor_up(turn, up.key);
    snapshots_.on_monitor_up(turn, up.key);
    for (const auto& order : patience_.take(up.key)) {
        begin_or_refuse(turn, order);
    }
}

void AgentCore::come_up(Turn& turn, Instance& instance, const MonitorUp& up) {
    auto& record = instance.record;
    auto before = record;
    media_.take_drives(turn, instance, up.drives);
    if (!before.drives.empty()) before.drives = record.drives; // told by that
    record.snapshots = snapshots_of(up.disks);
    instance.monitor = true;
    record.can_ask = true;
    record.guest_agent = up.has_guest_agent;
    if (!up.accelerator.empty()) record.accelerator = up.accelerator;
    if (!up.version.empty()) record.version = up.version;
    if (!up.display.empty()) {
        record.display = up.display;
        record.cport = qemu::vnc_port(up.display);
    }
    record.note.clear();
    if (starter_.on_monitor_up(turn, instance, up)) return;
    if (suspension_.holds(up.key)) {
        instance.adopted = false;
        control_.on_monitor_back(up.key);
        return suspension_.on_monitor_up(turn, up.key);
    }
    if (control_.owns(up.key)) return control_.on_monitor_back(up.key);
    if (instance.ours && up.state == VmState::Starting) {
        // It stands with -S and nobody lets it run any more: its start ended before it was there.
        return control_.abandon(turn, instance);
    }
    if (std::exchange(instance.adopted, false)) {
        // A former life of the agent may have died in the middle of a reboot.
        control_.command(turn, up.key, Monitor::ShutdownPowersOff, {});
    }
    suspension_.on_monitor_up(turn, up.key);
    // QEMU knows that it stands, and not for what: it may not be let run beside its saved state.
    const bool is_kept = is_being_suspended(record) && up.state == VmState::Paused;
    if (!is_kept && (record.state != up.state || record.reason != up.reason)) {
        instances_.set_state(turn, instance, up.state, up.reason);
    } else if (record != before) {
        instances_.changed(turn, instance, "its monitor is connected");
    }
}

void AgentCore::on(Turn& /*turn*/, const MonitorDown& down) {
    auto* instance = instances_.find(down.key);
    if (instance == nullptr) return;
    instance->monitor = false;
    control_.on_monitor_lost(down.key);
}

void AgentCore::on(Turn& turn, const MonitorReply& reply) {
    starter_.on_reply(turn, reply);
    control_.on_reply(turn, reply);
    suspension_.on_reply(turn, reply);
    media_.on_reply(turn, reply);
    snapshots_.on_reply(turn, reply);
}

void AgentCore::on(Turn& turn, const StateNoted& noted) {
    suspension_.on_noted(turn, noted);
    starter_.on_noted(turn, noted);
}

void AgentCore::on(Turn& turn, const ImageChecked& checked) {
    media_.on_image(turn, checked);
}

void AgentCore::on_job(Turn& turn, const InstanceKey& key, const std::string& job) {
    suspension_.on_job(turn, key, job);
    snapshots_.on_job(turn, key, job);
}

void AgentCore::on(Turn& turn, const MonitorEvent& event) {
    auto* instance = instances_.find(event.key);
    if (instance == nullptr || starter_.owns(event.key)) return;
    if (event.what == MonitorEvent::What::JobConcluded)
        return on_job(turn, event.key, event.reason);
    if (event.what == MonitorEvent::What::TrayMoved) return media_.on_tray(turn, *instance, event);
    control_.on_event(turn, *instance, event);
}

void AgentCore::on(Turn& turn, const LaunchEnded& ended) {
    starter_.on_launch(turn, ended);
}

void AgentCore::on(Turn& turn, const RunLevelEnded& ended) {
    own_machine_.on_ended(turn, ended);
}

void AgentCore::on(Turn& turn, const OwnerCommandEnded& ended) {
    control_.on_owner_command(turn, ended);
}

void AgentCore::on(Turn& turn, const GuestAnswered& answered) {
    control_.on_guest_answered(turn, answered);
}

void AgentCore::on(Turn& turn, OwnersChanged& changed) {
    control_.use_owners(turn, std::move(changed.owners));
}

void AgentCore::on(Turn& turn, Scanned& scanned) {
    for (auto& event : scanned.events) {
        if (auto* facts = std::get_if<PathFacts>(&event.payload)) {
            facts->path.worker = worker_.id;
            paths_[facts->path.config] = *facts;
            boot_starts_.on_path(*facts);
        } else if (auto* path = std::get_if<PathRecord>(&event.payload)) {
            path->worker = worker_.id;
            const auto known = paths_.find(path->config);
            if (known != paths_.end() && path->health == PathHealth::Vanished) paths_.erase(known);
            if (known != paths_.end() && path->health != PathHealth::Vanished)
                known->second.path = *path;
        }
        turn.emit(std::move(event));
    }
}

void AgentCore::on(Turn& turn, const ScanFinished& ended) {
    uplink_.on_facts_complete(turn);
    if (!ended.action.is_none()) works_.end(turn, ended.action, Outcome{.text = ended.text});
}

void AgentCore::on(Turn& turn, const Proved& proved) {
    turn.then(ToBroker{Envelope{.correlation = proved.correlation, .body = proved.proof}});
}

void AgentCore::on(Turn& turn, const FactsChanged& changed) {
    auto text = what_differs(worker_, changed.worker);
    worker_.accelerators = changed.worker.accelerators;
    worker_.binaries = changed.worker.binaries;
    worker_.equipment = changed.worker.equipment;
    worker_.blind_spots = changed.worker.blind_spots;
    worker_.pools = changed.worker.pools;
    worker_since_ = turn.now().wall;
    if (!started_) return; // the first exchange tells
    Event event{.kind = EventKind::WorkerFact};
    event.text = std::move(text);
    event.payload = worker_;
    turn.emit(std::move(event));
}

void AgentCore::on(Turn& turn, const Spooled& spooled) {
    spool_broken_ = false;
    uplink_.on_spooled(turn, spooled.last_sequence);
}

void AgentCore::on(Turn& turn, const SpoolFailed& failed) {
    if (!spool_broken_)
        turn.log(LogLine::Level::Error, fmt::format("the spool cannot be written: {}", failed.why));
    spool_broken_ = true;
}

void AgentCore::on(Turn& turn, const TimerFired& fired) {
    switch (fired.key.kind) {
    case TimerKind::Uplink:
        return uplink_.on_timer(turn, 0);
    case TimerKind::Ladder:
        return control_.on_timer(turn, fired.key.instance);
    case TimerKind::Start:
        return starter_.on_timer(turn, fired.key.action);
    case TimerKind::Order:
        if (const auto order = patience_.take(fired.key.action)) begin_or_refuse(turn, *order);
        return;
    case TimerKind::HandStart:
        return hand_starts_.on_timer(turn, fired.key.action);
    case TimerKind::HostStop:
        return guests_stop_.on_timer(turn);
    case TimerKind::Boot:
        return boot_starts_.on_timer(turn);
    case TimerKind::Suspension:
        return suspension_.on_timer(turn, fired.key.instance);
    case TimerKind::Media:
        return media_.on_timer(turn, fired.key.instance);
    case TimerKind::Snapshot:
        return snapshots_.on_timer(turn, fired.key.instance);
    }
}

void AgentCore::on(Turn& turn, const StopAsked& asked) {
    turn.hurry();
    boot_starts_.cancel();
    starter_.give_up_all(turn, "its host stops");
    hand_starts_.refuse_all(turn, "its host stops");
    media_.give_up_all(turn, "its host stops; nothing was done");
    guests_stop_.ask(turn, asked.why, asked.deadline.value_or(stop_deadline_));
}

const VmRecord* AgentCore::find_vm(const InstanceRecord& record) const {
    if (const auto path = paths_.find(record.config); path != paths_.end()) return &path->second.vm;
    const auto same = std::find_if(paths_.begin(), paths_.end(), [&](const auto& item) {
        return item.second.vm.id == record.vm;
    });
    return same == paths_.end() ? nullptr : &same->second.vm;
}

void AgentCore::on(Turn& turn, const HandStartAsked& asked) {
    if (guests_stop_.is_active())
        return HandStarts::refuse(turn, asked, "its host stops: nothing is started here");
    const auto path = paths_.find(asked.config);
    const auto* facts = path == paths_.end() ? nullptr : &path->second;
    if (suspension_.is_noting(asked.config))
        return HandStarts::refuse(turn, asked, "its saved state is being noted; try again");
    const bool is_starting = facts != nullptr && starter_.is_starting(facts->vm.id);
    hand_starts_.on_asked(turn, asked, facts, uplink_.online(), is_starting);
}

void AgentCore::on(Turn& turn, const Leaving& /*leaving*/) {
    if (uplink_.online()) turn.now_do(ToBroker{Envelope{.body = msg::Farewell{}}});
}

void AgentCore::on(Turn& turn, const CallerGone& gone) {
    hand_starts_.on_caller_gone(turn, gone.caller);
}

} // namespace ctys::agent
