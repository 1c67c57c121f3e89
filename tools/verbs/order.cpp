#include "tools/verbs/order.h"

#include "mesh/core/address.h"
#include "mesh/core/text.h"
#include "mesh/loop/signal_watch.h"
#include "schema/codec.h"
#include "tools/client/action_wait.h"
#include "tools/client/terminal.h"
#include "tools/client/watcher.h"
#include "tools/output/action_rows.h"
#include "tools/verbs/planning.h"

#include <chrono>
#include <csignal>
#include <optional>
#include <unistd.h>

namespace ctys::tools {

namespace {

// After its deadline a VM gets SIGTERM, SIGKILL and `stuck` within 20 s (DESIGN: ladder).
constexpr Duration after_deadline = std::chrono::seconds{40};
constexpr Duration redraw = std::chrono::seconds{1};
// A broker that has just begun holds an order for up to ten seconds until the worker it needs has
// called; the rest is for the broker itself to come back.
constexpr Duration order_patience = std::chrono::seconds{25};

/// One line that is rewritten in place; nothing where standard error is no terminal.
class ProgressLine {
public:
    explicit ProgressLine(bool quiet) : shown_(!quiet && is_terminal(STDERR_FILENO)) {}
    ~ProgressLine() { clear(); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const std::string& text) {
        if (!shown_) return;
        const auto view = view_of(STDERR_FILENO);
        const auto line = cut_to(printable(text, 1000), view.width - 1, view.utf8);
        static_cast<void>(write_all(STDERR_FILENO, fmt::format("\r\x1b[K{}", line)));
        dirty_ = true;
    }
    void clear() {
        if (dirty_) static_cast<void>(write_all(STDERR_FILENO, "\r\x1b[K"));
        dirty_ = false;
    }

private:
    bool shown_;
    bool dirty_ = false;
};

std::vector<ActionId> ids_of(const std::vector<msg::Submit>& orders) {
    std::vector<ActionId> ids;
    ids.reserve(orders.size());
    for (const auto& order : orders) {
        ids.push_back(order.action.id);
    }
    return ids;
}

Filter filter_for(const std::vector<ActionId>& ids) {
    Filter filter{.field = "action", .values = {}};
    for (const auto id : ids)
        filter.values.push_back(id.to_string());
    return filter;
}

std::string names_of(const std::vector<ActionId>& ids) {
    std::vector<std::string> names;
    names.reserve(ids.size());
    for (const auto id : ids) {
        names.push_back(short_text(id));
    }
    return fmt::format("{}", fmt::join(names, " "));
}

/// One call of carry_out.
class Errand {
public:
    Errand(Session& session, Connection& connection, std::vector<msg::Submit> orders)
        : session_(session), connection_(connection), orders_(std::move(orders)),
          ids_(ids_of(orders_)), wait_(ids_),
          watcher_(connection, {.filters = {filter_for(ids_)}, .from = msg::WatchFrom::Now}) {}

    Status carry_out(Waiting waiting, Duration patience);

private:
    Status submit_all();
    void accept(const Action& action, const msg::Accepted& accepted);
    void look_at_plan(const msg::Accepted& accepted);
    void refuse(const Action& action, Error error);
    [[nodiscard]] tl::unexpected<Error> give_up(const Action& at, Error error) const;
    Status follow(Duration patience);
    Status take(const Watcher::Item& item, ProgressLine& progress);
    Status ask_what_is_missing();
    Status leave();
    Status print_ids();
    Status report();
    [[nodiscard]] Duration patience(Duration fallback) const;
    [[nodiscard]] std::vector<ActionId> going_on() const;

    Session& session_;
    Connection& connection_;
    std::vector<msg::Submit> orders_;
    std::vector<ActionId> ids_;
    std::vector<ActionId> asked_; ///< the beginning of ids_ that was sent
    ActionWait wait_;
    Watcher watcher_;
    bool interrupted_ = false;
    bool follows_ = false;
    bool looks_for_near_ = true;
    Duration longest_plan_{};
    WallTime begun_ = wall_now();
};

Status Errand::carry_out(Waiting waiting, Duration patience) {
    follows_ = waiting == Waiting::Outcome;
    // Until something is asked, Ctrl-C has nothing to tell and ends the program as ever.
    if (auto opened = watcher_.open(); !opened) return opened;
    loop::SignalWatch on_interrupt(session_.loop(), SIGINT, [&] { interrupted_ = true; });
    if (auto submitted = submit_all(); !submitted) return submitted;
    if (waiting == Waiting::Outcome) return follow(patience);
    if (auto printed = print_ids(); !printed) return printed;
    return wait_.outcome();
}

// A refusal is the outcome of its target; the others are asked all the same.
Status Errand::submit_all() {
    const auto patience = session_.globals().timeout.value_or(order_patience);
    for (const auto& order : orders_) {
        if (interrupted_) return leave();
        asked_.push_back(order.action.id);
        auto answer = connection_.exchange(
            order, std::min(patience, order_patience), [this] { return interrupted_; });
        if (!answer && answer.error().code == ErrorCode::Interrupted) return leave();
        if (!answer) return give_up(order.action, answer.error());
        if (auto* failure = std::get_if<msg::Failure>(&*answer)) {
            refuse(order.action, std::move(failure->error));
        } else if (const auto* accepted = std::get_if<msg::Accepted>(&*answer)) {
            accept(order.action, *accepted);
        } else {
            return fail(ErrorCode::Malformed, "an answer of another kind");
        }
    }
    return {};
}

void Errand::accept(const Action& action, const msg::Accepted& accepted) {
    if (accepted.worker.empty() && accepted.text.empty()) return look_at_plan(accepted);
    // Who follows it is told by its agent, also of a cut at the GRACE of its configuration.
    if (follows_ || action.verb != Verb::Shutdown || !action.deadline || !accepted.text.empty())
        return;
    session_.remark(
        fmt::format("{}  {}: power is cut at {} at the latest",
                    short_text(action.id),
                    accepted.label,
                    clock_text(wall_now() + *action.deadline, Grain::Second, session_.view())));
}

// Nothing of this is needed to follow it: a broker that does not tell leaves it out.
void Errand::look_at_plan(const msg::Accepted& accepted) {
    const auto picture = plan_behind(session_, accepted.action);
    if (!picture || !*picture) return;
    const auto& plan = (*picture)->plan;
    longest_plan_ = std::max(longest_plan_, plan.until);
    session_.remark(fmt::format(
        "{}  {}: {}", short_text(accepted.action), accepted.label, size_text(**picture)));
}

void Errand::refuse(const Action& action, Error error) {
    // Looking for what was meant reads every label: once is enough.
    if (error.code == ErrorCode::NotFound && std::exchange(looks_for_near_, false))
        error = session_.with_near_label(action.target, std::move(error));
    const auto now = wall_now();
    wait_.on_record({.action = action,
                     .label = action.target,
                     .state = ActionState::Ended,
                     .outcome = Outcome{.error = std::move(error), .text = {}},
                     .requested = now,
                     .ended = now});
}

// A broker that does not answer one order would not answer the next.
tl::unexpected<Error> Errand::give_up(const Action& at, Error error) const {
    const auto patience = session_.globals().timeout.value_or(order_patience);
    if (error.code == ErrorCode::Unreachable && patience < order_patience)
        error.code = ErrorCode::TimedOut;
    if (orders_.size() > 1) error = within(at.target, std::move(error));
    auto before = going_on();
    before.pop_back(); // the one that was not answered
    if (!before.empty()) {
        error.evidence.push_back(
            fmt::format("{} asked before go on: {}", before.size(), names_of(before)));
    }
    return tl::unexpected(std::move(error));
}

std::vector<ActionId> Errand::going_on() const {
    std::vector<ActionId> ids;
    for (const auto id : asked_) {
        if (!wait_.has_ended(id)) ids.push_back(id);
    }
    return ids;
}

Status Errand::leave() {
    if (auto printed = print_ids(); !printed) return printed;
    const auto going = going_on();
    std::vector<std::string> rest;
    for (auto i = asked_.size(); i < orders_.size(); ++i)
        rest.push_back(orders_[i].action.target);
    std::vector<std::string> evidence;
    if (!rest.empty()) evidence.push_back(fmt::format("not asked: {}", fmt::join(rest, " ")));
    if (going.empty()) {
        return fail(
            ErrorCode::Interrupted, "left by Ctrl-C; nothing goes on", {}, std::move(evidence));
    }
    return fail(ErrorCode::Interrupted,
                fmt::format("left by Ctrl-C; goes on in the mesh as {}", names_of(going)),
                fmt::format("ctys actions cancel {}", names_of(going)),
                std::move(evidence));
}

Status Errand::print_ids() {
    fmt::memory_buffer out;
    for (const auto id : going_on()) {
        if (is_for_people(session_.format()) || session_.format() == Format::Name) {
            out.append(id.to_string());
        } else {
            JsonWriter json(out);
            json.begin_object();
            json.member("id", id.to_string());
            json.end_object();
        }
        out.push_back('\n');
    }
    return session_.print(out);
}

Status Errand::take(const Watcher::Item& item, ProgressLine& progress) {
    const auto* event = std::get_if<msg::WatchItem>(&item);
    if (event == nullptr) return {};
    auto decoded = schema::decode_event(view(event->event));
    if (!decoded) return {}; // a newer kind: the outcome is asked for when the end is seen
    const bool is_ours = wait_.on_event(*decoded);
    if (is_ours && decoded->kind == EventKind::CutAnnounced) {
        progress.clear();
        session_.remark(
            fmt::format("{}  {}: {}", short_text(decoded->action), decoded->label, decoded->text));
    }
    return {};
}

// An end without its record, or events a restart of the broker may have kept from us.
Status Errand::ask_what_is_missing() {
    const auto ids = watcher_.reopened() > 0 ? ids_ : wait_.without_record();
    for (const auto id : ids) {
        auto records = session_.rows_of<ActionRecord>(
            {.table = Table::Actions, .address = id.to_string(), .all = true});
        if (!records) return tl::unexpected(records.error());
        for (const auto& record : *records)
            wait_.on_record(record);
    }
    return {};
}

Duration Errand::patience(Duration fallback) const {
    if (session_.globals().timeout) return *session_.globals().timeout;
    fallback = std::max(fallback, longest_plan_ + after_deadline);
    const auto deadline = wait_.deadline();
    return deadline ? std::max(fallback, *deadline + after_deadline) : fallback;
}

Status Errand::follow(Duration fallback) {
    ProgressLine progress(session_.globals().quiet);
    while (!wait_.is_done()) {
        const auto spent = wall_now() - begun_;
        const auto left = patience(fallback) - spent;
        if (left <= Duration{}) {
            progress.clear();
            return fail(ErrorCode::TimedOut,
                        fmt::format("not done after {}; it goes on as {}",
                                    to_short_text(spent),
                                    names_of(going_on())),
                        fmt::format("ctys actions show {}", names_of(going_on())),
                        {wait_.line()});
        }
        progress.show(fmt::format("{}  {}  {}  [Ctrl-C leaves it running in the mesh]",
                                  names_of(going_on()),
                                  to_short_text(spent),
                                  wait_.line()));
        auto next = watcher_.next(std::min(left, redraw), [&] { return interrupted_; });
        if (!next) return tl::unexpected(next.error());
        if (const auto* item = std::get_if<Watcher::Item>(&*next)) {
            if (auto taken = take(*item, progress); !taken) return taken;
        }
        if (auto asked = ask_what_is_missing(); !asked) return asked;
        if (interrupted_ && !wait_.is_done()) {
            progress.clear();
            return leave();
        }
    }
    progress.clear();
    return report();
}

Status Errand::report() {
    auto outcome = wait_.outcome();
    fmt::memory_buffer out;
    for (const auto id : ids_) {
        const auto& progress = wait_.actions().at(id);
        if (!is_for_people(session_.format()) && session_.format() != Format::Name) {
            JsonWriter json(out);
            action_listing().json(json, *progress.record);
            out.push_back('\n');
        } else if (!session_.globals().quiet && progress.record->outcome->ok()) {
            fmt::format_to(std::back_inserter(out),
                           "{}  {} {}  done in {}{}{}\n",
                           short_text(id),
                           to_string(progress.record->action.verb),
                           printable(progress.label),
                           to_short_text(wall_now() - begun_),
                           progress.text.empty() ? "" : ": ",
                           printable(progress.text));
        }
    }
    // The failure of one target in json is told by the one error object, as of every other verb.
    if (outcome || ids_.size() > 1 || is_for_people(session_.format())) {
        if (auto printed = session_.print(out); !printed) return printed;
    }
    return outcome;
}

} // namespace

Result<msg::Submit> order_in_group(Session& session,
                                   std::string_view group,
                                   const std::string& what,
                                   std::string_view words,
                                   const std::string& target) {
    const auto verb = verb_from_text(fmt::format("{} {}", group, what));
    if (!verb) {
        return fail(ErrorCode::Usage,
                    fmt::format("no such thing to do: {}", printable(what, 40)),
                    fmt::format("ctys {} {} VM", group, words));
    }
    if (auto address = Address::parse(target); !address) return tl::unexpected(address.error());
    msg::Submit order{.on = {}, .yes = session.globals().yes};
    order.action.id = session.new_action_id();
    order.action.verb = *verb;
    order.action.target = target;
    return order;
}

Status
carry_out(Session& session, std::vector<msg::Submit> orders, Waiting waiting, Duration patience) {
    auto connection = session.broker();
    if (!connection) return tl::unexpected(connection.error());
    Errand errand(session, **connection, std::move(orders));
    return errand.carry_out(waiting, patience);
}

} // namespace ctys::tools
