#pragma once

#include "agent/scanner/helper_link.h"
#include "agent/scanner/pool_view.h"
#include "agent/scanner/scanner.h"
#include "mesh/loop/timer.h"

#include <deque>

namespace ctys::agent {

/// One pool of a Scanner: its helper, the requests to it, and the deadlines.
class Scanner::Pool {
public:
    Pool(loop::EventLoop& loop,
         const ScannerSettings& settings,
         const ScannerEvents& events,
         PoolSettings pool,
         std::vector<KnownPath> known);

    using Body = decltype(HelperCommand::body);
    using OnAnswer = std::function<void(Result<bool>)>;
    void request(Body body, OnAnswer on_answer);
    [[nodiscard]] ScanPool whole_scan() const;
    /// The last call: whoever waits is told that this is no pool any more.
    void leave();
    void doubt_marker() { view_.doubt_marker(); }

    [[nodiscard]] const PoolView& view() const { return view_; }
    [[nodiscard]] const std::string& root() const { return pool_.root; }
    [[nodiscard]] pid_t helper_pid() const;

private:
    struct Request {
        HelperCommand command;
        OnAnswer on_answer;
    };
    void start_helper();
    void on_report(HelperReport report);
    void on_answer(const CommandDone& done);
    void on_exit(const std::string& reason);
    void give_up(std::string reason);
    void fail_requests(const Error& error);
    void send_next();
    void rest();
    void on_rest_over();
    void watch_deadline();
    void on_retry();
    void emit(PathChanges changes);
    void report();
    [[nodiscard]] bool is_busy() const { return is_sent_ || view_.is_scanning(); }
    [[nodiscard]] Instant now() const { return loop_.now().instant; }

    loop::EventLoop& loop_;
    const ScannerSettings& settings_;
    const ScannerEvents& events_;
    PoolSettings pool_;
    PoolView view_;
    std::unique_ptr<HelperLink> link_;
    bool is_cut_ = false; ///< the helper was given up and is not gone yet
    std::deque<Request> requests_;
    bool is_sent_ = false; ///< the first request is with the helper
    std::uint32_t last_id_ = 0;
    Instant last_sign_;
    Instant last_scan_;
    std::optional<Instant> silent_since_;
    Duration retry_;
    loop::Timer deadline_timer_;
    loop::Timer rest_timer_;
    loop::Timer retry_timer_;
};

} // namespace ctys::agent
