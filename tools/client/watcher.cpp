#include "tools/client/watcher.h"

#include <fmt/format.h>

namespace ctys::tools {

namespace {

constexpr std::uint32_t credit = 1024; // what a broker has under way to one watcher at most
constexpr Duration open_again = std::chrono::seconds{2}; // the request may die with its broker

Duration left(Instant until, Instant now) {
    return std::max(until - now, Duration{});
}

Instant now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

} // namespace

Watcher::Watcher(Connection& connection, msg::Watch watch)
    : connection_(connection), watch_(std::move(watch)) {
    watch_.credit = credit;
}

Watcher::~Watcher() {
    if (stream_) connection_.close_stream(*stream_);
}

Status Watcher::start() {
    if (stream_) connection_.close_stream(*stream_);
    stream_.reset();
    auto request = watch_;
    if (held_) {
        request.from = msg::WatchFrom::Cursor;
        request.cursor = *held_;
    }
    auto opened = connection_.open_stream(request);
    if (!opened) return tl::unexpected(opened.error());
    stream_ = *opened;
    owed_ = 0;
    return {};
}

void Watcher::take(msg::WatchEvents&& events) {
    for (auto& item : events.items)
        items_.push_back(std::move(item));
    owed_ += static_cast<std::uint32_t>(events.items.size());
    held_ = events.position;
    caught_up_ = events.caught_up;
    last_ = events.last;
    if (owed_ >= credit / 2) {
        connection_.grant(*stream_, owed_);
        owed_ = 0;
    }
}

Status Watcher::open(std::optional<Duration> bound) {
    const auto patience = bound.value_or(connection_.patience());
    std::optional<Body> answer;
    for (auto rest = patience; !answer && rest > Duration{}; rest -= std::min(rest, open_again)) {
        if (auto started = start(); !started) return started;
        answer = connection_.next(*stream_, std::min(rest, open_again));
    }
    if (!answer) {
        return fail(ErrorCode::Unreachable,
                    fmt::format("the broker at {} has not answered for {}",
                                connection_.endpoint().to_string(),
                                to_short_text(patience)),
                    "ctys doctor");
    }
    if (auto* failure = std::get_if<msg::Failure>(&*answer))
        return tl::unexpected(std::move(failure->error));
    if (auto* events = std::get_if<msg::WatchEvents>(&*answer)) take(std::move(*events));
    return {};
}

Result<std::variant<Watcher::Item, Watcher::End>>
Watcher::next(Duration bound, const std::function<bool()>& interrupted) {
    const auto until = now() + bound;
    while (true) {
        if (!items_.empty()) {
            auto item = std::move(items_.front());
            items_.pop_front();
            if (items_.empty()) position_ = *held_;
            return item;
        }
        if (held_) position_ = *held_;
        if (last_) return End::Last;
        auto answer = connection_.next(*stream_, left(until, now()), interrupted);
        if (!answer) {
            return interrupted && interrupted() ? End::Interrupted : End::Time;
        }
        if (auto* failure = std::get_if<msg::Failure>(&*answer)) {
            // The broker does not know this stream any more: another life of it, or too long a
            // silence of ours. What was taken is known by its position.
            if (failure->error.code != ErrorCode::Expired)
                return tl::unexpected(std::move(failure->error));
            ++reopened_;
            if (auto started = start(); !started) return tl::unexpected(started.error());
        } else if (auto* events = std::get_if<msg::WatchEvents>(&*answer)) {
            take(std::move(*events));
        }
    }
}

} // namespace ctys::tools
