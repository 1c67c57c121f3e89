#include "mesh/loop/event_loop.h"

#include "mesh/loop/uv_handle.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <deque>
#include <unordered_map>

namespace ctys::loop {

// Happy path: run() -> uv_run; callbacks go through guarded(); deferred functions run from an idle
// handle that is active only while there are some, so that the loop does not sleep over them.
// Failure modes: an exception in a callback is kept and rethrown by run(); a handle that is still
// open in the destructor is a bug of its owner and aborts.

struct EventLoop::Impl {
    uv_loop_t loop{};
    uv_idle_t idle{};
    uv_timer_t bound{};
    std::deque<std::function<void()>> deferred;
    std::unordered_map<void*, std::function<void()>> orphans;
    std::exception_ptr failure;
    bool running = false;

    void run_deferred() {
        // Only what is there now: a function that defers itself must not starve the loop.
        for (auto left = deferred.size(); left > 0 && !failure; --left) {
            const auto fn = std::move(deferred.front());
            deferred.pop_front();
            guarded(&loop, fn);
        }
        if (deferred.empty()) uv_idle_stop(&idle);
    }

    int turn(uv_run_mode mode) {
        CTYS_ASSERT(!running);
        running = true;
        const int alive = uv_run(&loop, mode);
        running = false;
        uv_timer_stop(&bound);
        if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
        return alive;
    }
};

namespace {

/// How often run_until asks without an event, for predicates about the world outside the loop.
constexpr Duration asking_period = std::chrono::milliseconds(10);

EventLoop::Impl& impl_of(uv_loop_t* loop) {
    return *static_cast<EventLoop::Impl*>(loop->data);
}

struct HandleList {
    const EventLoop::Impl* impl;
    std::vector<std::string> lines;
};

void list_handle(uv_handle_t* handle, void* arg) {
    auto& list = *static_cast<HandleList*>(arg);
    if (uv_is_closing(handle)) return;
    if (handle == as_handle(&list.impl->idle) || handle == as_handle(&list.impl->bound)) return;
    list.lines.push_back(fmt::format("{} {}",
                                     uv_handle_type_name(uv_handle_get_type(handle)),
                                     uv_is_active(handle) ? "active" : "idle"));
}

} // namespace

void fail_loop(uv_loop_t* loop, std::exception_ptr failure) noexcept {
    auto& impl = impl_of(loop);
    if (!impl.failure) impl.failure = std::move(failure);
    uv_stop(loop);
}

void keep_orphan(uv_loop_t* loop, void* orphan, std::function<void()> close) {
    impl_of(loop).orphans.emplace(orphan, std::move(close));
}

void forget_orphan(uv_loop_t* loop, void* orphan) {
    impl_of(loop).orphans.erase(orphan);
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
    std::signal(SIGPIPE, SIG_IGN);
    check(uv_loop_init(&impl_->loop), "uv_loop_init");
    impl_->loop.data = impl_.get();
    check(uv_idle_init(&impl_->loop, &impl_->idle), "uv_idle_init");
    check(uv_timer_init(&impl_->loop, &impl_->bound), "uv_timer_init");
}

EventLoop::~EventLoop() {
    impl_->deferred.clear();
    for (const auto& [orphan, close] : std::exchange(impl_->orphans, {})) {
        close();
    }
    const auto leaked = open_handles();
    for (const auto& line : leaked) {
        fmt::print(stderr, "ctys: a handle outlives its event loop: {}\n", line);
    }
    CTYS_ASSERT(leaked.empty());
    uv_close(as_handle(&impl_->idle), nullptr);
    uv_close(as_handle(&impl_->bound), nullptr);
    // A close callback may drop objects that close further handles: a few rounds, never endless.
    int closed = UV_EBUSY;
    for (int round = 0; round < 64 && closed == UV_EBUSY; ++round) {
        uv_run(&impl_->loop, UV_RUN_NOWAIT);
        closed = uv_loop_close(&impl_->loop);
    }
    if (closed != 0) uv_print_all_handles(&impl_->loop, stderr);
    CTYS_ASSERT(closed == 0);
}

void EventLoop::run() {
    impl_->turn(UV_RUN_DEFAULT);
}

void EventLoop::run_once_for(Duration bound) {
    const auto ms = to_uv_ms(bound);
    if (ms == 0) {
        impl_->turn(UV_RUN_NOWAIT);
        return;
    }
    // Repeating: timers run before the poll too, and a bound that is over by then must hold still.
    uv_update_time(&impl_->loop);
    uv_timer_start(
        &impl_->bound, [](uv_timer_t*) {}, ms, ms);
    impl_->turn(UV_RUN_ONCE);
}

bool EventLoop::run_until(const std::function<bool()>& done, Duration bound) {
    const auto end = now().instant + bound;
    while (!done()) {
        const auto left = end - now().instant;
        if (left.count() <= 0) return false;
        run_once_for(std::min<Duration>(left, asking_period));
    }
    return true;
}

void EventLoop::stop() {
    uv_stop(&impl_->loop);
}

Now EventLoop::now() const {
    std::timespec wall{};
    std::timespec_get(&wall, TIME_UTC);
    return {Instant{Duration{static_cast<std::int64_t>(uv_hrtime() / 1000)}},
            WallTime{static_cast<std::int64_t>(wall.tv_sec) * 1'000'000 + wall.tv_nsec / 1000}};
}

void EventLoop::defer(std::function<void()> fn) {
    impl_->deferred.push_back(std::move(fn));
    uv_idle_start(&impl_->idle, [](uv_idle_t* idle) { impl_of(idle->loop).run_deferred(); });
}

void EventLoop::fail(std::exception_ptr failure) noexcept {
    fail_loop(&impl_->loop, std::move(failure));
}

std::vector<std::string> EventLoop::open_handles() const {
    HandleList list{impl_.get(), {}};
    uv_walk(&impl_->loop, list_handle, &list);
    return std::move(list.lines);
}

uv_loop_s* EventLoop::native() const {
    return &impl_->loop;
}

} // namespace ctys::loop
