#include "broker/core/core.h"

#include <fmt/format.h>

namespace ctys::broker {

namespace {

constexpr Duration tick_every = std::chrono::seconds{1};
/// Ticks that are farther apart: the process was stopped, or its machine was asleep.
constexpr Duration own_gap = std::chrono::seconds{2};

} // namespace

BrokerCore::BrokerCore(Settings settings,
                       Loaded loaded,
                       const InventoryView& durable,
                       const JournalView& journal,
                       Now now)
    : settings_(std::move(settings)), head_(loaded.head), last_recorded_(loaded.last_recorded),
      durable_(durable), journal_(journal), overlay_(durable), plans_(roster_),
      dispatcher_(leases_, roster_, audit_, plans_), folder_(leases_, roster_, proofs_),
      proofs_(settings_.nonce), carried_(folder_, roster_, leases_, dispatcher_) {
    roster_.load(std::move(loaded.workers), loaded.doubtful, now);
    leases_.load(std::move(loaded.leases), loaded.last_token);
    dispatcher_.load(std::move(loaded.actions), now.instant);
    broken_plans_ = plans_.load(
        std::move(loaded.plans),
        std::move(loaded.plan_steps),
        [this](ActionId id) { return dispatcher_.find(id); },
        now.instant);
    ticked_ = now.instant; // standing still before the first tick is no silence of others
    status_.version = settings_.version;
    status_.started = settings_.started.is_none() ? now.wall : settings_.started;
    status_.degraded = settings_.degraded;
    set_aside_ = std::move(loaded.set_aside);
}

Effects BrokerCore::step(Input input, Now now) {
    if (is_over_) return {};
    excuse_plans(now.instant);
    Turn turn{now, overlay_, head_, last_recorded_, batch_ + 1};
    std::visit([&](auto& each) { on(turn, each); }, input);
    carried_.settle(turn);
    run_plans(turn);
    auto effects = turn.finish();
    for (const auto& effect : effects) {
        if (std::holds_alternative<Commit>(effect)) ++batch_;
    }
    return effects;
}

/// Before anything is decided: what comes first after this process stood still is not always a
/// tick.
void BrokerCore::excuse_plans(Instant now) {
    const auto span = stepped_ ? now - *stepped_ : Duration{};
    stepped_ = now;
    if (span >= own_gap) plans_.excuse(span - tick_every);
}

void BrokerCore::run_plans(Turn& turn) {
    for (const auto& vm : turn.take_ended()) {
        plans_.on_vm_ended(vm);
    }
    if (!settings_.degraded.empty() || is_over_) return;
    const PlanView view{.inventory = overlay_,
                        .index = overlay_.index(),
                        .roster = roster_,
                        .find_action = [this](ActionId id) { return dispatcher_.find(id); },
                        .has_deadline =
                            [this](const VmId& vm) {
                                return dispatcher_.is_given_deadline(vm) ||
                                       plans_.gives_deadline(vm);
                            }};
    // An order may be refused, and a plan end, within the same step.
    for (auto moved = plans_.advance(turn, view); !moved.empty();
         moved = plans_.advance(turn, view)) {
        for (auto& [plan, orders] : moved) {
            for (auto& order : orders.begin) {
                dispatcher_.begin_order(turn, std::move(order.action), order.label);
            }
            for (const auto& order : orders.cancel) {
                dispatcher_.cancel_order(turn, order);
            }
            if (!orders.end) continue;
            plans_.finish(turn, plan);
            dispatcher_.end_plan(turn, plan, std::move(*orders.end));
        }
    }
}

Sources BrokerCore::sources() const {
    return Sources{.inventory = durable_,
                   .journal = journal_,
                   .roster = roster_,
                   .leases = leases_,
                   .dispatcher = dispatcher_,
                   .plans = plans_,
                   .watches = watches_,
                   .index = overlay_.index(),
                   .head = head_,
                   .status = status_};
}

bool BrokerCore::refuse_degraded(Turn& turn, const Received& from) const {
    if (settings_.degraded.empty()) return false;
    turn.send(from.peer,
              from.envelope.correlation,
              msg::Failure{Error{.code = ErrorCode::Degraded,
                                 .message = fmt::format("the broker cannot record anything: {}",
                                                        settings_.degraded),
                                 .try_next = "ctys status"}});
    return true;
}

void BrokerCore::on(Turn& turn, Received& received) {
    if (auto* member = roster_.find_peer(received.peer)) {
        if (settings_.degraded.empty()) {
            const bool was_paused = member->record.state == WorkerState::Paused;
            roster_.on_heard(turn, *member);
            if (was_paused) carried_.on_heard(turn, *member);
        }
        if (settings_.degraded.empty() && std::exchange(member->record.fenced, false)) {
            // It was declared dead and is not: what it runs must show again (DESIGN: P6).
            demand_exchange(turn, *member, "it was fenced and is back");
        }
    }
    std::visit([&](auto& body) { on_body(turn, received, body); }, received.envelope.body);
}

void BrokerCore::on(Turn& turn, const PeerGone& gone) {
    watches_.close_all(gone.peer);
    queries_.close_all(gone.peer);
    dispatcher_.on_peer_gone(gone.peer);
    if (auto challenger = roster_.on_unreachable(gone.peer)) {
        register_worker(turn, challenger->peer, challenger->correlation, challenger->hello);
    }
}

void BrokerCore::on(Turn& turn, const Tick& /*tick*/) {
    const auto& now = turn.now();
    const auto span = ticked_ ? now.instant - *ticked_ : tick_every;
    ticked_ = now.instant;
    if (span >= own_gap) {
        // It was this process that stood still: what came meanwhile is still in the queue.
        roster_.excuse(span - tick_every, now);
        watches_.excuse(span - tick_every, now.instant);
        queries_.excuse(span - tick_every, now.instant);
    }
    watches_.on_tick(turn);
    queries_.on_tick(turn);
    if (!settings_.degraded.empty()) return;
    carried_.on_tick(turn);
    for (const auto& accepted : roster_.on_tick(turn)) {
        register_worker(turn, accepted.peer, accepted.correlation, accepted.hello);
    }
    for (auto& sentence : std::exchange(set_aside_, {})) {
        Event event{.kind = EventKind::BrokerStarted};
        event.by = "broker";
        event.text = std::move(sentence);
        turn.record(std::move(event));
    }
    proofs_.on_tick(turn, roster_);
    audit_.on_tick(turn);
    for (const auto& id : std::exchange(broken_plans_, {})) {
        dispatcher_.end_plan(turn,
                             id,
                             {.error = Error{.code = ErrorCode::Indeterminate,
                                             .message = "its plan was damaged in the store; what "
                                                        "was asked of single VMs goes on"}});
    }
    plans_.on_tick(turn);
    folder_.erase_gone(turn);
    dispatcher_.on_tick(turn);
}

void BrokerCore::on(Turn& turn, const Committed& committed) {
    overlay_.committed(committed.batch);
    watches_.pump(turn, journal_, head_.epoch);
}

void BrokerCore::on(Turn& turn, const Continue& /*again*/) {
    watches_.pump(turn, journal_, head_.epoch);
    queries_.pump(turn, sources());
}

void BrokerCore::on(Turn& /*turn*/, const ShellStatus& status) {
    const auto started = status_.started;
    status_ = status.status;
    status_.version = settings_.version;
    status_.started = started;
    status_.degraded = settings_.degraded;
}

void BrokerCore::on_body(Turn& turn, const Received& from, msg::AgentHello& hello) {
    const auto refuse = [&](Error error) {
        turn.send(from.peer, from.envelope.correlation, msg::Failure{std::move(error)});
    };
    if (refuse_degraded(turn, from)) return;
    if (auto allowed = check_permission(from.principal, Permission::SpeakForWorker); !allowed) {
        return refuse(allowed.error());
    }
    if (!from.principal.worker.empty() && from.principal.worker != hello.worker.name) {
        return refuse(
            Error{.code = ErrorCode::Refused,
                  .message = fmt::format("the key of {} may only speak for worker {}, not for {}",
                                         from.principal.name,
                                         from.principal.worker,
                                         hello.worker.name)});
    }
    if (hello.worker.id.is_none() || hello.worker.name.empty()) {
        return refuse(Error{.code = ErrorCode::Malformed, .message = "the hello names no worker"});
    }
    register_worker(turn, from.peer, from.envelope.correlation, hello);
}

void BrokerCore::on_body(Turn& turn, const Received& from, const msg::Submit& submit) {
    if (refuse_degraded(turn, from)) return;
    dispatcher_.on_submit(turn, from.peer, from.envelope.correlation, from.principal, submit);
}

void BrokerCore::on_body(Turn& turn, const Received& from, const msg::CancelAction& cancel) {
    if (refuse_degraded(turn, from)) return;
    dispatcher_.on_cancel(turn, from.peer, from.envelope.correlation, from.principal, cancel);
}

void BrokerCore::on_body(Turn& turn, const Received& from, const msg::Ask& ask) {
    queries_.open(turn, sources(), from.peer, from.envelope.correlation, from.principal, ask);
}

void BrokerCore::on_body(Turn& turn, const Received& from, const msg::Watch& watch) {
    watches_.open(
        turn, journal_, head_.epoch, from.peer, from.envelope.correlation, from.principal, watch);
}

void BrokerCore::on_body(Turn& turn, const Received& from, const msg::Credit& credit) {
    const auto correlation = from.envelope.correlation;
    if (queries_.add_credit(turn, sources(), from.peer, correlation, credit.add)) return;
    if (!watches_.add_credit(turn, from.peer, correlation, credit.add)) {
        // The stream was closed (silence, or another life of this broker): the tool opens it anew.
        turn.send(from.peer,
                  correlation,
                  msg::Failure{Error{.code = ErrorCode::Expired,
                                     .message = "no such stream; open it again"}});
    }
}

void BrokerCore::on_body(Turn& /*turn*/, const Received& from, const msg::CloseStream& /*close*/) {
    queries_.close(from.peer, from.envelope.correlation);
    watches_.close(from.peer, from.envelope.correlation);
}

void BrokerCore::on_body(Turn& turn, const Received& from, const msg::Ping& ping) {
    turn.send(from.peer, from.envelope.correlation, msg::Pong{ping.session});
}

template <typename Other>
void BrokerCore::on_body(Turn& turn, const Received& from, const Other& other) {
    constexpr bool is_agents =
        std::is_same_v<Other, msg::Publish> || std::is_same_v<Other, msg::Pong> ||
        std::is_same_v<Other, msg::CommandStatus> || std::is_same_v<Other, msg::CommandRefused> ||
        std::is_same_v<Other, msg::Confirm> || std::is_same_v<Other, msg::Withdrawn> ||
        std::is_same_v<Other, msg::StorageProof> || std::is_same_v<Other, msg::HandStart> ||
        std::is_same_v<Other, msg::Farewell>;
    if constexpr (is_agents) {
        auto* member = roster_.find_peer(from.peer);
        if (member == nullptr || !settings_.degraded.empty()) {
            // Another life of this broker knew the agent, or nothing can be recorded: hello again,
            // later.
            return turn.send(
                from.peer,
                from.envelope.correlation,
                msg::Failure{Error{.code = settings_.degraded.empty() ? ErrorCode::Expired
                                                                      : ErrorCode::Degraded,
                                   .message = "say hello again"}});
        }
        if constexpr (std::is_same_v<Other, msg::Publish> ||
                      std::is_same_v<Other, msg::StorageProof>) {
            on_member(turn, *member, from, other);
        } else if constexpr (std::is_same_v<Other, msg::CommandStatus>) {
            dispatcher_.on_status(turn, *member, other);
        } else if constexpr (std::is_same_v<Other, msg::CommandRefused>) {
            dispatcher_.on_refused(turn, *member, other);
        } else if constexpr (std::is_same_v<Other, msg::Confirm>) {
            dispatcher_.on_confirm(turn, *member, from.envelope.correlation, other);
        } else if constexpr (std::is_same_v<Other, msg::Withdrawn>) {
            dispatcher_.on_withdrawn(turn, *member, other);
        } else if constexpr (std::is_same_v<Other, msg::HandStart>) {
            dispatcher_.on_hand_start(turn, *member, from.envelope.correlation, other);
        } else if constexpr (std::is_same_v<Other, msg::Farewell>) {
            roster_.on_farewell(turn, *member);
        } // a pong has been heard, which is all it is for
    } else {
        turn.send(from.peer,
                  from.envelope.correlation,
                  msg::Failure{Error{.code = ErrorCode::Unsupported,
                                     .message = "a broker does not take messages of this kind"}});
    }
}

} // namespace ctys::broker
