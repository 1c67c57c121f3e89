#include "mesh/loop/signal_watch.h"

#include "mesh/loop/uv_handle.h"

namespace ctys::loop {

struct SignalWatch::State {
    uv_signal_t handle{};
    std::function<void()> fn;

    static void on_signal(uv_signal_t* handle, int /*signal*/) {
        auto* state = static_cast<State*>(handle->data);
        guarded(handle->loop, [&] { call_held(state->fn); });
    }
};

void SignalWatch::Close::operator()(State* state) const {
    close_and_delete(state, &state->handle);
}

SignalWatch::SignalWatch(EventLoop& loop, int signal, std::function<void()> fn) {
    auto state = std::make_unique<State>();
    check(uv_signal_init(loop.native(), &state->handle), "uv_signal_init");
    state->handle.data = state.get();
    state->fn = std::move(fn);
    state_.reset(state.release());
    check(uv_signal_start(&state_->handle, State::on_signal, signal), "uv_signal_start");
}

} // namespace ctys::loop
