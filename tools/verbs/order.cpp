#include "tools/verbs/order.h"

#include "mesh/core/text.h"
#include "mesh/loop/signal_watch.h"
#include "schema/codec.h"
#include "tools/client/action_wait.h"
#include "tools/client/terminal.h"
#include "tools/client/watcher.h"
#include "tools/output/action_rows.h"

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
    for (const auto& order : orders)
        ids.push_back(order.action.id);
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
    for (const auto id : ids)
        names.push_back(short_text(id));
    return fmt::format("{}", fmt::join(names, " "));
}

/// One call of carry_out.
class Errand {
public:
    Errand(Session& session, Connection& connection, std::vector<msg::Submit> orders)
        : session_(session), connection_(connection), orders_(std::move(orders)),
          ids_(ids_of(orders_)), wait_(ids_),
          watcher_(connection, {.filters = {filter_for(ids_)}, .from = msg::WatchFrom::Now}) {}

    Status submit_all();
    Status print_ids();
    Status follow(Duration patience);

private:
    Status take(const Watcher::Item& item);
    Status ask_what_is_missing();
    Status report();
    [[nodiscard]] Duration patience(Duration fallback) const;

    Session& session_;
    Connection& connection_;
    std::vector<msg::Submit> orders_;
    std::vector<ActionId> ids_;
    ActionWait wait_;
    Watcher watcher_;
    WallTime begun_ = wall_now();
};

Status Errand::submit_all() {
    if (auto opened = watcher_.open(); !opened) return opened;
    for (std::size_t i = 0; i < orders_.size(); ++i) {
        const auto patience = session_.globals().timeout.value_or(order_patience);
        auto answer = connection_.request(orders_[i], std::min(patience, order_patience));
        if (!answer) {
            auto error = session_.with_near_label(orders_[i].action.target, answer.error());
            if (error.code == ErrorCode::Unreachable && patience < order_patience)
                error.code = ErrorCode::TimedOut;
            if (orders_.size() > 1) error = within(orders_[i].action.target, std::move(error));
            if (i > 0) error.evidence.push_back(fmt::format("{} sent before it go on", i));
            return tl::unexpected(std::move(error));
        }
        const auto* accepted = std::get_if<msg::Accepted>(&*answer);
        if (accepted == nullptr) return fail(ErrorCode::Malformed, "an answer of another kind");
        const auto& action = orders_[i].action;
        if (action.verb == Verb::Shutdown && action.deadline && accepted->text.empty()) {
            session_.remark(fmt::format(
                "{}  {}: power is cut at {}",
                short_text(action.id),
                accepted->label,
                clock_text(wall_now() + *action.deadline, Grain::Second, session_.view())));
        }
    }
    return {};
}

Status Errand::print_ids() {
    fmt::memory_buffer out;
    for (const auto id : ids_) {
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

Status Errand::take(const Watcher::Item& item) {
    const auto* event = std::get_if<msg::WatchItem>(&item);
    if (event == nullptr) return {};
    auto decoded = schema::decode_event(view(event->event));
    if (!decoded) return {}; // a newer kind: the outcome is asked for when the end is seen
    static_cast<void>(wait_.on_event(*decoded));
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
    const auto deadline = wait_.deadline();
    return deadline ? std::max(fallback, *deadline + after_deadline) : fallback;
}

Status Errand::follow(Duration fallback) {
    ProgressLine progress(session_.globals().quiet);
    bool interrupted = false;
    loop::SignalWatch on_interrupt(session_.loop(), SIGINT, [&] { interrupted = true; });
    while (!wait_.is_done()) {
        const auto spent = wall_now() - begun_;
        const auto left = patience(fallback) - spent;
        if (left <= Duration{}) {
            progress.clear();
            return fail(ErrorCode::TimedOut,
                        fmt::format("not done after {}; it goes on as {}",
                                    to_short_text(spent),
                                    names_of(ids_)),
                        fmt::format("ctys actions show {}", names_of(ids_)),
                        {wait_.line()});
        }
        progress.show(fmt::format("{}  {}  {}  [Ctrl-C leaves it running in the mesh]",
                                  names_of(ids_),
                                  to_short_text(spent),
                                  wait_.line()));
        auto next = watcher_.next(std::min(left, redraw), [&] { return interrupted; });
        if (!next) return tl::unexpected(next.error());
        if (const auto* item = std::get_if<Watcher::Item>(&*next)) {
            if (auto taken = take(*item); !taken) return taken;
        }
        if (auto asked = ask_what_is_missing(); !asked) return asked;
        if (interrupted && !wait_.is_done()) {
            progress.clear();
            session_.remark(fmt::format("{} goes on in the mesh; to withdraw it: ctys actions "
                                        "cancel {}",
                                        names_of(ids_),
                                        names_of(ids_)));
            return print_ids();
        }
    }
    progress.clear();
    return report();
}

Status Errand::report() {
    auto outcome = wait_.outcome();
    fmt::memory_buffer out;
    for (const auto& [id, progress] : wait_.actions()) {
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
    // A failure in json is told by the one error object, as of every other verb.
    if (outcome || is_for_people(session_.format())) {
        if (auto printed = session_.print(out); !printed) return printed;
    }
    return outcome;
}

} // namespace

Status
carry_out(Session& session, std::vector<msg::Submit> orders, Waiting waiting, Duration patience) {
    auto connection = session.broker();
    if (!connection) return tl::unexpected(connection.error());
    Errand errand(session, **connection, std::move(orders));
    if (auto submitted = errand.submit_all(); !submitted) return submitted;
    if (waiting == Waiting::None) return errand.print_ids();
    return errand.follow(patience);
}

} // namespace ctys::tools
