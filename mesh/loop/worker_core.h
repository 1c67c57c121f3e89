#pragma once

#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>
#include <string>

namespace ctys::loop {

/// The thread and the two wake-ups below WorkerThread; knows neither jobs nor outcomes.
class WorkerCore {
public:
    struct Tasks {
        /// On the worker thread: does what is queued; true if there was anything.
        std::function<bool()> work;
        /// On the loop: takes over all that is done.
        std::function<void()> deliver;
    };

    WorkerCore(EventLoop& loop, const std::string& name, Tasks tasks);
    ~WorkerCore();
    WorkerCore(const WorkerCore&) = delete;
    WorkerCore& operator=(const WorkerCore&) = delete;

    /// There is work. Any thread.
    void wake();
    /// Lets the worker finish what is queued and joins it. Idempotent.
    void join();

private:
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
