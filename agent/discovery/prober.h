#pragma once

#include "agent/discovery/process_facts.h"
#include "mesh/loop/child_process.h"
#include "mesh/loop/event_loop.h"
#include "mesh/loop/timer.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ctys::agent {

/// Runs ctys-probe over processes, several in one child. Each child is killed at the deadline;
/// those of its processes that gave no record are tried once more, each in a child of its own, so
/// that one stuck process costs only itself.
class Prober {
public:
    /// The record, or an error: TimedOut (the process does not let itself be read), or why
    /// ctys-probe does not run.
    using OnRecord = std::function<void(std::uint32_t pid, const Result<ProbeRecord>&)>;

    struct Options {
        std::string program; ///< path of ctys-probe
        Duration deadline = std::chrono::seconds{1};
        std::size_t batch = 64;   ///< processes in one child
        std::size_t parallel = 4; ///< children at a time
    };

    /// `on_record` is called once per asked process, in any order, never during ask(). It may ask
    /// again, but not drop the prober.
    Prober(loop::EventLoop& loop, Options options, OnRecord on_record);
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    void ask(std::uint32_t pid);
    [[nodiscard]] bool is_idle() const {
        return running_.empty() && queue_.empty() && alone_.empty();
    }

private:
    struct Run;
    void start_next();
    void start(std::vector<std::uint32_t> pids, bool alone);
    void on_done(std::uint64_t id, const loop::ChildResult& result);
    void give_up(std::uint64_t id);
    void deliver(const Run& run, std::string_view output, const Error& otherwise);

    loop::EventLoop& loop_;
    Options options_;
    OnRecord on_record_;
    std::deque<std::uint32_t> queue_;
    std::deque<std::uint32_t> alone_; ///< to be tried once more
    std::map<std::uint64_t, std::unique_ptr<Run>> running_;
    std::uint64_t next_run_ = 1;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    bool starting_ = false; ///< a start is already deferred
};

} // namespace ctys::agent
