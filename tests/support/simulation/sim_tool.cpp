#include "tests/support/simulation/sim_tool.h"

#include "schema/codec.h"

namespace ctys::sim {

using std::chrono::seconds;

SimTool::SimTool(Ground& ground,
                 Network& network,
                 SimBroker& broker,
                 Promises& promises,
                 std::string name,
                 Principal principal)
    : ground_(ground), network_(network), broker_(broker), promises_(promises),
      name_(std::move(name)), principal_(std::move(principal)) {
    broker_.introduce(name_, principal_);
    network_.open(name_, name_, [this](Envelope envelope) { receive(std::move(envelope)); });
}

ActionId SimTool::submit(
    Action action, const std::string& label, const std::string& on, bool doubled, bool agreed) {
    if (action.id.is_none()) action.id = ActionId{ground_.random.next() | 1U};
    promises_.on_submit(action, principal_, label);
    const auto correlation = ++last_correlation_;
    told_[correlation] = Told{.action = action.id, .label = label, .refused = {}};
    pending_[correlation] = Pending{
        Envelope{.correlation = correlation,
                 .body = msg::Submit{.action = action,
                                     .on = on,
                                     .yes = agreed,
                                     .boot = machine != nullptr ? machine->boot() : BootId{}}}};
    network_.send_to_broker(name_, pending_[correlation].envelope);
    if (doubled) network_.send_to_broker(name_, pending_[correlation].envelope);
    ground_.schedule.after(seconds{3}, [this, correlation] { remind(correlation); });
    return action.id;
}

void SimTool::remind(std::uint64_t correlation) {
    const auto found = pending_.find(correlation);
    if (found == pending_.end()) return;
    if (++found->second.tries > 40) return; // a person would have given up
    network_.send_to_broker(name_, found->second.envelope);
    ground_.schedule.after(seconds{3}, [this, correlation] { remind(correlation); });
}

void SimTool::cancel(ActionId action) {
    send(++last_correlation_, msg::CancelAction{action.to_string()});
}

void SimTool::administer(msg::Administer::What what,
                         const std::string& subject,
                         std::function<void(bool)> done) {
    const auto correlation = ++last_correlation_;
    done_[correlation] = std::move(done);
    send(correlation, msg::Administer{.what = what, .subject = subject, .reason = {}});
}

void SimTool::ask(Query query, std::function<void(const msg::Rows&)> rows) {
    if (!broker_.is_up() || broker_.is_frozen() || network_.is_cut(name_)) return;
    const auto correlation = ++last_correlation_;
    asked_[correlation] = Asked{ground_.schedule.now(), std::move(rows)};
    send(correlation, msg::Ask{.query = std::move(query), .credit = 10000});
    const auto* core = broker_.core();
    const auto life = network_.life(name_);
    const auto freezes = broker_.freezes();
    ground_.schedule.after(seconds{3}, [this, correlation, core, life, freezes] {
        const auto asked = asked_.extract(correlation);
        const bool undisturbed =
            broker_.core() == core && network_.life(name_) == life && broker_.freezes() == freezes;
        if (undisturbed && asked && !asked.mapped().answered)
            ground_.broken("P1", "a query is not answered within 3 s");
    });
}

void SimTool::set_cut(bool cut) {
    if (cut) {
        network_.cut(name_, seconds{1}, /*keeps=*/true);
    } else {
        network_.heal(name_);
    }
}

void SimTool::watch(msg::WatchFrom from, Cursor cursor) {
    from_ = from;
    position_ = cursor;
    placed_ = from == msg::WatchFrom::Cursor;
    open_watch();
    ground_.schedule.after(seconds{5}, [this] { keep_alive(); });
}

void SimTool::open_watch() {
    watch_ = ++last_correlation_;
    taken_ = 0;
    heard_ = ground_.schedule.now();
    watch_life_ = network_.life(name_);
    send(watch_,
         msg::Watch{.filters = {},
                    .from = placed_ ? msg::WatchFrom::Cursor : from_,
                    .cursor = position_,
                    .time = {},
                    .credit = greed_});
}

void SimTool::keep_alive() {
    // A stream that says nothing may have been lost with a connection or a broker: opened anew at
    // the cursor, which costs nothing when it was not.
    if (ground_.schedule.now() - heard_ > seconds{20}) {
        send(watch_, msg::CloseStream{});
        open_watch();
    } else {
        send(watch_, msg::Credit{.add = 0});
    }
    ground_.schedule.after(seconds{5}, [this] { keep_alive(); });
}

void SimTool::receive(Envelope envelope) {
    const auto correlation = envelope.correlation;
    if (const auto* events = std::get_if<msg::WatchEvents>(&envelope.body)) {
        if (correlation == watch_) on_watch(*events);
    } else if (const auto* failure = std::get_if<msg::Failure>(&envelope.body)) {
        if (correlation == watch_) return open_watch();
        on_answer(correlation, failure->error, {});
    } else if (const auto* accepted = std::get_if<msg::Accepted>(&envelope.body)) {
        on_answer(
            correlation, {}, fmt::format("accepted for {} {}", accepted->worker, accepted->text));
    } else if (const auto* done = std::get_if<msg::Done>(&envelope.body)) {
        on_answer(correlation, {}, done->text);
    } else if (const auto* rows = std::get_if<msg::Rows>(&envelope.body)) {
        const auto found = asked_.find(correlation);
        if (found == asked_.end()) return show_plan(correlation, *rows);
        found->second.answered = true;
        if (found->second.rows) found->second.rows(*rows);
    }
}

/// The answer to an order with dry_run.
void SimTool::show_plan(std::uint64_t correlation, const msg::Rows& rows) {
    if (pending_.erase(correlation) == 0) return;
    told_.erase(correlation);
    for (const auto& row : rows.rows) {
        const auto* step = std::get_if<PlanStepRecord>(&row);
        if (step == nullptr) continue;
        line(fmt::format("plan: {} {} on {} from {} until {}",
                         to_string(step->step.verb),
                         step->step.label,
                         step->step.worker_name,
                         to_short_text(step->step.begin),
                         to_short_text(step->step.until)));
    }
}

void SimTool::on_answer(std::uint64_t correlation,
                        std::optional<Error> error,
                        const std::string& text) {
    if (const auto done = done_.find(correlation); done != done_.end()) {
        line(error ? fmt::format("refused: {}", error->message) : text);
        const auto call = std::move(done->second);
        done_.erase(done);
        if (call) call(!error);
        return;
    }
    if (const auto asked = asked_.find(correlation); asked != asked_.end()) {
        asked->second.answered = true;
        return;
    }
    const auto told = told_.find(correlation);
    if (told == told_.end() || told->second.answered) return;
    // Degraded, or not for now: asking again is right, and changes nothing if it was accepted.
    if (error && error->code == ErrorCode::Degraded) return;
    pending_.erase(correlation);
    told->second.answered = true;
    told->second.refused = error;
    line(error ? fmt::format("{}: refused ({}): {}",
                             told->second.label,
                             to_string(error->code),
                             error->message)
               : fmt::format("{}: {}", told->second.label, text));
}

void SimTool::on_watch(const msg::WatchEvents& events) {
    heard_ = ground_.schedule.now();
    if (!placed_) {
        placed_ = true;
        position_ = events.position;
    }
    const auto stream = watch_;
    for (const auto& item : events.items) {
        if (stream != watch_) return;
        if (const auto* event = std::get_if<msg::WatchItem>(&item)) on_item(*event);
        if (const auto* gap = std::get_if<msg::Gap>(&item)) on_gap(*gap);
    }
    taken_ += static_cast<std::uint32_t>(events.items.size());
    if (taken_ * 2 < greed_) return;
    send(watch_, msg::Credit{.add = taken_});
    taken_ = 0;
}

std::uint64_t SimTool::next_visible() const {
    auto next = position_.sequence + 1;
    broker_.store().read_ever_recorded(position_.sequence, [&](const broker::JournalItem& item) {
        const auto event = schema::decode_event(view(item.event));
        next = item.sequence;
        // Audit events are for administrators; others do not learn that they exist.
        return event && family(event->kind) == EventFamily::Audit &&
               !check_permission(principal_, Permission::Audit) && ++next > 0;
    });
    return next;
}

void SimTool::on_item(const msg::WatchItem& item) {
    if (item.cursor.epoch != position_.epoch && position_ != Cursor{}) {
        ground_.broken("P2", "a watcher learns of another epoch without a gap");
    } else if (item.cursor.sequence != next_visible() && network_.life(name_) != watch_life_) {
        // Lost with a connection that came back by itself: a watcher that counts opens its stream
        // anew at its cursor.
        return open_watch();
    } else if (item.cursor.sequence != next_visible()) {
        ground_.broken("P2", "a watcher misses an event, or gets one twice or out of order");
    }
    position_ = item.cursor;
    const auto compare = [&](const broker::JournalItem& stored) {
        if (stored.sequence == item.cursor.sequence && stored.event && *stored.event != *item.event)
            ground_.broken("P2", "a watcher is told something else than the journal holds");
        return false;
    };
    broker_.store().read_ever_recorded(item.cursor.sequence - 1, compare);
}

void SimTool::on_gap(const msg::Gap& gap) {
    ++gaps_;
    line(fmt::format("gap to {}: {}", gap.to.sequence, gap.reason));
    const auto horizon = broker_.store().range().first;
    const bool other_epoch = gap.from.epoch != gap.to.epoch;
    const bool damaged = gap.from == gap.to;
    if (!other_epoch && !damaged && gap.to.sequence >= horizon)
        ground_.broken("P2", "a gap is told although the journal has the events");
    position_ = gap.to;
}

} // namespace ctys::sim
