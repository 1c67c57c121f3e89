#include "mesh/loop/worker_core.h"

#include "mesh/loop/uv_handle.h"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <thread>

namespace ctys::loop {

// Failure modes: an exception on the worker thread ends the thread and travels to the loop, whose
// run() throws it: a writer that cannot go on is a fault of the process.

struct WorkerCore::State {
    uv_async_t async{};
    Tasks tasks;
    std::mutex mutex;
    std::condition_variable changed;
    bool signalled = false;
    bool stopping = false;
    std::exception_ptr failure;
    std::thread thread;

    void run() {
        try {
            while (wait_for_work()) {
                while (tasks.work()) {
                    uv_async_send(&async);
                }
            }
        } catch (...) {
            const std::lock_guard lock(mutex);
            failure = std::current_exception();
        }
        uv_async_send(&async);
    }

    bool wait_for_work() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return signalled || stopping; });
        return std::exchange(signalled, false) || !stopping;
    }

    static void on_async(uv_async_t* handle) {
        auto* state = static_cast<State*>(handle->data);
        guarded(handle->loop, [&] {
            state->tasks.deliver();
            const std::lock_guard lock(state->mutex);
            if (state->failure) std::rethrow_exception(std::exchange(state->failure, nullptr));
        });
    }
};

void WorkerCore::Close::operator()(State* state) const {
    close_and_delete(state, &state->async);
}

WorkerCore::WorkerCore(EventLoop& loop, const std::string& name, Tasks tasks) {
    auto state = std::make_unique<State>();
    state->tasks = std::move(tasks);
    check(uv_async_init(loop.native(), &state->async, State::on_async), "uv_async_init");
    state->async.data = state.get();
    state_.reset(state.release());
    // Signals belong to the loop's thread: the worker starts with all of them blocked.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    state_->thread = std::thread([shared = state_.get()] { shared->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(state_->thread.native_handle(), name.substr(0, 15).c_str());
}

WorkerCore::~WorkerCore() {
    join();
}

void WorkerCore::wake() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->signalled = true;
    }
    state_->changed.notify_one();
}

void WorkerCore::join() {
    if (!state_->thread.joinable()) return;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->changed.notify_one();
    state_->thread.join();
}

} // namespace ctys::loop
