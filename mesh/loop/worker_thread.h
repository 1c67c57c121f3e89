#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/worker_core.h"

#include <cstddef>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ctys::loop {

/// A second thread for work that must not block the loop. Jobs that came while it was busy are
/// handed to it together, in order (group commit); outcomes come back to the loop in order, those
/// of several groups possibly in one call.
///
/// `Work` runs on the worker thread and owns what it captures from there on. An exception of it
/// ends the worker and leaves EventLoop::run(). Jobs and outcomes are moved between threads, so
/// they share nothing.
template <typename Job, typename Outcome>
class WorkerThread {
public:
    using Work = std::function<std::vector<Outcome>(std::vector<Job>)>;
    using Deliver = std::function<void(std::vector<Outcome>)>;

    struct Options {
        std::string name = "worker"; ///< of the thread, 15 bytes are shown
        std::size_t capacity = 4096; ///< jobs queued or being worked on
    };

    WorkerThread(EventLoop& loop, Options options, Work work, Deliver deliver)
        : capacity_(options.capacity), work_(std::move(work)), deliver_(std::move(deliver)),
          core_(loop,
                options.name,
                {.work = [this] { return work_once(); }, .deliver = [this] { deliver_all(); }}) {}

    /// Stops, and throws away outcomes not yet delivered.
    ~WorkerThread() { core_.join(); }

    /// Errors: Overloaded (the queue is full), Cancelled (stopped); the job is lost then.
    [[nodiscard]] Status submit(Job job) {
        {
            const std::lock_guard lock(mutex_);
            if (stopped_) return fail(ErrorCode::Cancelled, "the worker thread is stopped");
            if (jobs_.size() + in_work_ >= capacity_) {
                return fail(ErrorCode::Overloaded, "the queue of the worker thread is full");
            }
            jobs_.push_back(std::move(job));
        }
        core_.wake();
        return {};
    }

    /// Jobs queued or being worked on.
    [[nodiscard]] std::size_t pending() const {
        const std::lock_guard lock(mutex_);
        return jobs_.size() + in_work_;
    }

    /// Finishes what is queued, joins the thread and delivers the last outcomes before it returns.
    /// Blocks for as long as the work takes. Idempotent.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        core_.join();
        deliver_all();
    }

private:
    bool work_once() {
        std::vector<Job> group;
        {
            const std::lock_guard lock(mutex_);
            group.swap(jobs_);
            in_work_ = group.size();
        }
        if (group.empty()) return false;
        auto done = work_(std::move(group));
        const std::lock_guard lock(mutex_);
        in_work_ = 0;
        outcomes_.insert(outcomes_.end(),
                         std::make_move_iterator(done.begin()),
                         std::make_move_iterator(done.end()));
        return true;
    }

    void deliver_all() {
        std::vector<Outcome> done;
        {
            const std::lock_guard lock(mutex_);
            done.swap(outcomes_);
        }
        if (!done.empty()) deliver_(std::move(done));
    }

    std::size_t capacity_;
    Work work_;
    Deliver deliver_;
    mutable std::mutex mutex_;
    std::vector<Job> jobs_;
    std::vector<Outcome> outcomes_;
    std::size_t in_work_ = 0;
    bool stopped_ = false;
    WorkerCore core_; ///< last: its thread uses all of the above
};

} // namespace ctys::loop
