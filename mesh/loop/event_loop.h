#pragma once

#include "mesh/core/time.h"

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct uv_loop_s;

namespace ctys::loop {

/// The one place where a process waits. Everything built on a loop is used on the thread that runs
/// it and must be gone before the loop is: the destructor runs the close callbacks that are left,
/// then aborts with a list if a handle is still open.
///
/// An exception that leaves a callback ends the loop and comes out of run(), so that main() reports
/// it as the fault it is; what was queued behind it stays undone.
///
/// The constructor sets SIGPIPE to ignored for the process: a peer that went away is an error of
/// write(), never the end of the process. Children start with the default again.
class EventLoop {
public:
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Returns after stop(), or when nothing is left to wait for. Throws what left a callback.
    void run();

    /// Waits for at most one round of events, at most `bound`. Throws as run().
    void run_once_for(Duration bound);

    /// Runs until `done` holds, asked before the first and after each round and each 10 ms, or
    /// until `bound` is over. True if it held. Throws as run().
    [[nodiscard]] bool run_until(const std::function<bool()>& done, Duration bound);

    /// Makes run() return after the present round. May be called from a callback, not from
    /// another thread.
    void stop();

    /// Both clocks, read now: monotonic microseconds and the realtime clock.
    [[nodiscard]] Now now() const;

    /// Runs `fn` on the loop after the present callback has returned, in order of deferring. What
    /// is deferred by a deferred function runs in the next round.
    void defer(std::function<void()> fn);

    /// Ends the loop with `failure`, as if it had left a callback. The first one is kept.
    void fail(std::exception_ptr failure) noexcept;

    /// One line per handle somebody still holds, the loop's own not counted. For tests.
    [[nodiscard]] std::vector<std::string> open_handles() const;

    /// For the implementation of mesh/loop only.
    [[nodiscard]] uv_loop_s* native() const;

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

} // namespace ctys::loop
