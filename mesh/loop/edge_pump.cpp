#include "mesh/loop/edge_pump.h"

#include "mesh/loop/uv_handle.h"

namespace ctys::loop {

// A round of libuv is timers, idle, prepare, poll, check. The poll handle only ends the sleep;
// prepare is the last chance to see readiness before it, and starts the idle handle so that poll
// does not block; check does the work.

struct EdgePump::State {
    uv_poll_t poll{};
    uv_prepare_t prepare{};
    uv_idle_t idle{};
    uv_check_t after{};
    std::function<bool()> is_ready;
    std::function<void()> work;
    int open = 0;

    static void on_prepare(uv_prepare_t* handle) {
        auto* state = static_cast<State*>(handle->data);
        guarded(handle->loop, [&] {
            if (state->is_ready()) uv_idle_start(&state->idle, [](uv_idle_t*) {});
        });
    }

    static void on_check(uv_check_t* handle) {
        auto* state = static_cast<State*>(handle->data);
        uv_idle_stop(&state->idle);
        guarded(handle->loop, [&] { state->work(); });
    }

    static void on_closed(uv_handle_t* handle) {
        auto* state = static_cast<State*>(handle->data);
        if (--state->open == 0) guarded(handle->loop, [&] { delete state; });
    }

    template <typename H>
    void opened(H* handle) {
        handle->data = this;
        ++open;
    }
};

void EdgePump::Close::operator()(State* state) const {
    // The poll handle goes first: its descriptor may be closed as soon as this returns.
    for (auto* handle : {as_handle(&state->poll),
                         as_handle(&state->prepare),
                         as_handle(&state->idle),
                         as_handle(&state->after)}) {
        uv_close(handle, State::on_closed);
    }
}

EdgePump::EdgePump(EventLoop& loop,
                   int fd,
                   std::function<bool()> is_ready,
                   std::function<void()> work) {
    auto state = std::make_unique<State>();
    state->is_ready = std::move(is_ready);
    state->work = std::move(work);
    check(uv_poll_init_socket(loop.native(), &state->poll, fd), "uv_poll_init_socket");
    state->opened(&state->poll);
    uv_prepare_init(loop.native(), &state->prepare);
    state->opened(&state->prepare);
    uv_idle_init(loop.native(), &state->idle);
    state->opened(&state->idle);
    uv_check_init(loop.native(), &state->after);
    state->opened(&state->after);
    state_.reset(state.release());
    check(uv_poll_start(&state_->poll, UV_READABLE, [](uv_poll_t*, int, int) {}), "uv_poll_start");
    uv_prepare_start(&state_->prepare, State::on_prepare);
    uv_check_start(&state_->after, State::on_check);
}

} // namespace ctys::loop
