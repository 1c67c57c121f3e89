#include "mesh/loop/signal_watch.h"
#include "schema/codec.h"
#include "tools/client/terminal.h"
#include "tools/client/watcher.h"
#include "tools/output/event_line.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/filters.h"
#include "tools/verbs/session.h"

#include <csignal>
#include <unistd.h>

namespace ctys::tools {

namespace {

constexpr Duration long_wait = std::chrono::hours{1};
constexpr std::size_t flush_events_bytes = 64 * 1024;

class Events final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "events"; }
    [[nodiscard]] std::string_view summary() const override {
        return "what happens, and what happened";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys events                                  from now on, until Ctrl-C\n"
               "  ctys events --since 10m --filter vm=web01\n"
               "  ctys events --from 1-40230                   all after this cursor, in order\n"
               "  ctys events --filter kind=running,stopped --filter worker=lab02\n"
               "  ctys events --filter family=vm --count 1 --timeout 5m -o json\n"
               "Several --filter must all hold; values after a comma are alternatives. Fields: "
               "topic\n"
               "kind family worker vm label by evidence action state.\n"
               "With --timeout it ends with status 0; with --count that was not met, 124.\n";
    }

    void declare(Arguments& arguments) override {
        arguments.text("--from", from_, "CURSOR|beginning|now", "strictly after this cursor");
        arguments.span("--since", since_, "what was recorded in this span, then what happens");
        arguments.texts("--filter", filters_, "FIELD=VALUE[,VALUE]", "only these events");
        arguments.number("--count", count_, "end after so many events");
        arguments.flag("--no-follow", no_follow_, "end at what has been recorded by now");
    }

    [[nodiscard]] Status run(Session& session) override {
        auto watch = request();
        if (!watch) return tl::unexpected(watch.error());
        auto connection = session.broker();
        if (!connection) return tl::unexpected(connection.error());
        Watcher watcher(**connection, std::move(*watch));
        if (auto opened = watcher.open(); !opened) return opened;
        return follow(session, watcher);
    }

private:
    [[nodiscard]] Result<msg::Watch> request() const {
        msg::Watch watch;
        auto filters = parse_filters(filters_, event_filter_fields());
        if (!filters) return tl::unexpected(filters.error());
        watch.filters = std::move(*filters);
        if (!from_.empty() && since_)
            return fail(ErrorCode::Usage, "--from and --since exclude each other");
        watch.stop_at_head = no_follow_;
        if (since_) {
            watch.from = msg::WatchFrom::Time;
            watch.time = wall_now() - *since_;
        } else if (from_ == "beginning") {
            watch.from = msg::WatchFrom::Beginning;
        } else if (!from_.empty() && from_ != "now") {
            auto cursor = Cursor::parse(from_);
            if (!cursor) {
                return fail(ErrorCode::Usage,
                            fmt::format("--from {}: {}", from_, cursor.error().message),
                            "--from beginning, --from now, --from 1-40230");
            }
            watch.from = msg::WatchFrom::Cursor;
            watch.cursor = *cursor;
        }
        return watch;
    }

    Status follow(Session& session, Watcher& watcher) {
        bool interrupted = false;
        loop::SignalWatch on_interrupt(session.loop(), SIGINT, [&] { interrupted = true; });
        loop::SignalWatch on_terminate(session.loop(), SIGTERM, [&] { interrupted = true; });
        const auto timeout = session.globals().timeout;
        const auto begun = wall_now();
        while (count_ == 0 || seen_ < count_) {
            const auto left = timeout ? *timeout - (wall_now() - begun) : long_wait;
            // What is buffered goes out before we wait; while more is there, it goes in one write.
            auto next = watcher.next(Duration{}, [&] { return interrupted; });
            const auto* end = next ? std::get_if<Watcher::End>(&*next) : nullptr;
            if (end != nullptr && *end == Watcher::End::Time) {
                if (auto flushed = flush(session); !flushed) return flushed;
                if (left <= Duration{}) return timed_out();
                next = watcher.next(left, [&] { return interrupted; });
            }
            if (!next) return tl::unexpected(next.error());
            if (const auto* item = std::get_if<Watcher::Item>(&*next)) {
                take(session, *item);
                if (out_.size() < flush_events_bytes) continue;
                if (auto flushed = flush(session); !flushed) return flushed;
            } else if (std::get<Watcher::End>(*next) != Watcher::End::Time) {
                break;
            }
        }
        if (auto flushed = flush(session); !flushed) return flushed;
        if (interrupted) say_where(session);
        return {};
    }

    [[nodiscard]] Status timed_out() const {
        if (count_ == 0) return {};
        return fail(ErrorCode::TimedOut,
                    fmt::format("{} of {} events came within the time", seen_, count_));
    }

    void say_where(Session& session) const {
        if (!is_terminal(STDOUT_FILENO) || !is_for_people(session.format())) return;
        session.remark(fmt::format(
            "  {} events{}",
            seen_,
            last_ == Cursor{} ? std::string{}
                              : fmt::format("; go on with: ctys events --from {}", last_)));
    }

    Status flush(Session& session) {
        auto printed = session.print(out_);
        out_.clear();
        return printed;
    }

    void take(Session& session, const Watcher::Item& item) {
        const bool words = is_for_people(session.format());
        if (const auto* gap = std::get_if<msg::Gap>(&item)) {
            if (words) return lines_.append(out_, *gap, session.view());
            return json_line([&](JsonWriter& json) { append_gap_json(json, *gap); });
        }
        const auto& event = std::get<msg::WatchItem>(item);
        ++seen_;
        last_ = event.cursor;
        auto decoded = schema::decode_event(ctys::view(event.event));
        if (!decoded) {
            if (!words) {
                return json_line([&](JsonWriter& json) {
                    append_opaque_json(json, event, decoded.error().message);
                });
            }
            return lines_.append(
                out_,
                RecordedEvent{.cursor = event.cursor,
                              .recorded = event.recorded,
                              .event = {.time = event.recorded,
                                        .text = "of a newer kind: " + decoded.error().message}},
                session.view());
        }
        const RecordedEvent recorded{
            .cursor = event.cursor, .recorded = event.recorded, .event = std::move(*decoded)};
        if (session.format() == Format::Name) {
            fmt::format_to(std::back_inserter(out_), "{}\n", recorded.cursor);
        } else if (words) {
            lines_.append(out_, recorded, session.view());
        } else {
            json_line([&](JsonWriter& json) { append_event_json(json, recorded); });
        }
    }

    template <typename Write>
    void json_line(Write write) {
        JsonWriter json(out_);
        write(json);
        out_.push_back('\n');
    }

    std::string from_;
    std::optional<Duration> since_;
    std::vector<std::string> filters_;
    std::uint64_t count_ = 0;
    bool no_follow_ = false;

    fmt::memory_buffer out_;
    EventLines lines_;
    std::uint64_t seen_ = 0;
    Cursor last_;
};

} // namespace

std::unique_ptr<Subcommand> make_events() {
    return std::make_unique<Events>();
}

} // namespace ctys::tools
