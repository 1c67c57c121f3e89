#include "mesh/loop/timer.h"

#include "mesh/loop/uv_handle.h"

namespace ctys::loop {

struct Timer::State {
    uv_timer_t handle{};
    std::function<void()> fn;

    void start(Duration after, Duration period, std::function<void()> callback) {
        fn = std::move(callback);
        // The cached time may be old after a long callback and would make the timer early.
        uv_update_time(handle.loop);
        check(uv_timer_start(&handle, on_timer, to_uv_ms(after), to_uv_ms(period)),
              "uv_timer_start");
    }

    static void on_timer(uv_timer_t* timer) {
        auto* state = static_cast<State*>(timer->data);
        guarded(timer->loop, [&] { call_held(state->fn); });
    }
};

void Timer::Close::operator()(State* state) const {
    close_and_delete(state, &state->handle);
}

Timer::Timer(EventLoop& loop) {
    auto state = std::make_unique<State>();
    check(uv_timer_init(loop.native(), &state->handle), "uv_timer_init");
    state->handle.data = state.get();
    state_.reset(state.release());
}

void Timer::start_once(Duration after, std::function<void()> fn) {
    state_->start(after, Duration{0}, std::move(fn));
}

void Timer::start_repeating(Duration period, std::function<void()> fn) {
    const auto at_least = std::max(period, Duration{1000});
    state_->start(at_least, at_least, std::move(fn));
}

void Timer::stop() {
    uv_timer_stop(&state_->handle);
}

bool Timer::is_active() const {
    return uv_is_active(as_handle(&state_->handle)) != 0;
}

} // namespace ctys::loop
