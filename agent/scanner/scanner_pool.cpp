#include "agent/scanner/scanner_pool.h"

#include <fmt/format.h>

namespace ctys::agent {

// Happy path: the helper says hello, scans, and rests; changes come as scans of its own; while it
// rests it is pinged, and where it cannot watch, the pool is scanned again each period.
// Failure modes: no byte within the deadline while it has something to do -> paths stalled,
// SIGKILL, requests fail; a helper that ends or breaks the protocol -> the same; the next helper
// starts after a growing pause, and never before the last one is gone: a mount that hangs would
// collect them.

namespace {

constexpr std::size_t max_requests = 16;

} // namespace

Scanner::Pool::Pool(loop::EventLoop& loop,
                    const ScannerSettings& settings,
                    const ScannerEvents& events,
                    PoolSettings pool,
                    std::vector<KnownPath> known)
    : loop_(loop), settings_(settings), events_(events), pool_(std::move(pool)),
      view_(pool_, settings.worker, std::move(known)), retry_(settings.retry_first),
      deadline_timer_(loop), rest_timer_(loop), retry_timer_(loop) {
    // Not at once: the caller may not be ready for events.
    retry_timer_.start_once(Duration{0}, [this] { start_helper(); });
}

pid_t Scanner::Pool::helper_pid() const {
    return link_ && !is_cut_ ? link_->pid() : 0;
}

ScanPool Scanner::Pool::whole_scan() const {
    return {!view_.was_marked(), pool_.watch};
}

void Scanner::Pool::start_helper() {
    HelperLink::Events events;
    events.on_report = [this](HelperReport report) { on_report(std::move(report)); };
    events.on_broken = [this](std::string reason) { give_up(std::move(reason)); };
    events.on_exit = [this](std::string reason) { on_exit(reason); };
    auto link = HelperLink::start(
        loop_, {settings_.helper, pool_.root}, pool_.uid, pool_.gid, std::move(events));
    if (!link) return give_up(fmt::format("its scan helper: {}", link.error().message));
    link_ = std::move(*link);
    is_cut_ = false;
    last_sign_ = now();
    requests_.push_front({{++last_id_, whole_scan()}, [](const auto&) {}});
    send_next();
}

void Scanner::Pool::request(Body body, OnAnswer on_answer) {
    if (silent_since_ || is_cut_) {
        return on_answer(fail(ErrorCode::Unreachable, view_.state().pool.reason));
    }
    if (requests_.size() >= max_requests) {
        return on_answer(fail(ErrorCode::Overloaded, "too many requests wait for this pool"));
    }
    requests_.push_back({{++last_id_, std::move(body)}, std::move(on_answer)});
    send_next();
}

void Scanner::Pool::send_next() {
    if (is_sent_ || requests_.empty() || !link_ || is_cut_) return;
    rest_timer_.stop();
    if (!is_busy()) last_sign_ = now();
    is_sent_ = true;
    if (auto sent = link_->send(requests_.front().command); !sent) {
        return give_up(sent.error().message);
    }
    watch_deadline();
}

void Scanner::Pool::on_report(HelperReport report) {
    last_sign_ = now();
    if (const auto* hello = std::get_if<HelperHello>(&report)) {
        if (hello->version != helper_protocol_version) {
            give_up("its scan helper is of another version: install both from one release");
        }
        return;
    }
    if (const auto* done = std::get_if<CommandDone>(&report)) return on_answer(*done);
    if (std::holds_alternative<ScanBegun>(report)) watch_deadline();
    emit(view_.take(report));
    if (!std::holds_alternative<ScanEnded>(report)) return;
    last_scan_ = now();
    silent_since_.reset();
    retry_ = settings_.retry_first;
    this->report();
    rest();
}

void Scanner::Pool::on_answer(const CommandDone& done) {
    if (!is_sent_ || requests_.front().command.id != done.id) {
        return give_up("its scan helper answered what was not asked");
    }
    const auto answered = std::move(requests_.front());
    requests_.pop_front();
    is_sent_ = false;
    if (done.problem.empty()) {
        answered.on_answer(done.found);
    } else {
        answered.on_answer(fail(ErrorCode::Failed, done.problem));
    }
    send_next();
    rest();
}

void Scanner::Pool::rest() {
    if (is_busy() || !link_ || is_cut_) return;
    deadline_timer_.stop();
    const bool polls = !view_.state().watching;
    const auto period =
        polls ? std::min(settings_.ping_period, settings_.poll_period) : settings_.ping_period;
    rest_timer_.start_once(period, [this] { on_rest_over(); });
}

void Scanner::Pool::on_rest_over() {
    if (!view_.state().watching && now() - last_scan_ >= settings_.poll_period) {
        return request(whole_scan(), [](const auto&) {});
    }
    request(Ping{}, [this](const Result<bool>& answer) {
        // A root that is gone shows in the next scan, with its reason.
        const bool stalled = silent_since_.has_value();
        if (!answer && !stalled && view_.state().pool.health != PoolHealth::Missing) {
            request(whole_scan(), [](const auto&) {});
        }
    });
}

void Scanner::Pool::watch_deadline() {
    const auto left = settings_.deadline - (now() - last_sign_);
    deadline_timer_.start_once(std::max(left, Duration{0}), [this] {
        if (!is_busy()) return;
        if (now() - last_sign_ < settings_.deadline) return watch_deadline();
        give_up(fmt::format("mount has not answered for {}", to_short_text(now() - last_sign_)));
    });
}

void Scanner::Pool::give_up(std::string reason) {
    if (is_cut_) return;
    deadline_timer_.stop();
    rest_timer_.stop();
    if (!silent_since_) silent_since_ = link_ ? last_sign_ : now();
    if (link_) {
        is_cut_ = true;
        link_->cut();
    }
    emit(view_.stall(reason));
    report();
    fail_requests({ErrorCode::Unreachable, reason});
    retry_timer_.start_once(retry_, [this] { on_retry(); });
    retry_ = std::min(retry_ * 2, settings_.retry_most);
}

void Scanner::Pool::on_retry() {
    if (!link_) return start_helper();
    const auto span = to_short_text(now() - *silent_since_);
    emit(view_.stall(fmt::format("mount has not answered for {}", span)));
    report();
    retry_timer_.start_once(retry_, [this] { on_retry(); });
}

void Scanner::Pool::on_exit(const std::string& reason) {
    const bool expected = is_cut_;
    link_.reset();
    is_cut_ = false;
    if (!expected) give_up(fmt::format("its scan helper {}", reason));
}

void Scanner::Pool::leave() {
    fail_requests({ErrorCode::NotFound, fmt::format("{} is no pool any more", pool_.root)});
}

void Scanner::Pool::fail_requests(const Error& error) {
    is_sent_ = false;
    for (auto& request : std::exchange(requests_, {})) {
        request.on_answer(tl::unexpected(error));
    }
}

void Scanner::Pool::emit(PathChanges changes) {
    if (!changes.empty() && events_.on_changes) events_.on_changes(pool_.root, std::move(changes));
}

void Scanner::Pool::report() {
    if (events_.on_pool) events_.on_pool(view_.state());
}

} // namespace ctys::agent
