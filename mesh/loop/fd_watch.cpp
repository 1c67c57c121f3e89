#include "mesh/loop/fd_watch.h"

#include "mesh/loop/uv_handle.h"

namespace ctys::loop {

struct FdWatch::State {
    uv_poll_t handle{};
    Readiness interest;
    std::function<void(Readiness)> fn;

    static void on_poll(uv_poll_t* handle, int status, int events) {
        auto* state = static_cast<State*>(handle->data);
        const Readiness ready =
            status < 0 ? state->interest
                       : Readiness{(events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0};
        guarded(handle->loop, [&] { call_held(state->fn, ready); });
    }
};

void FdWatch::Close::operator()(State* state) const {
    close_and_delete(state, &state->handle);
}

Result<FdWatch>
FdWatch::open(EventLoop& loop, int fd, Readiness interest, std::function<void(Readiness)> fn) {
    auto state = std::make_unique<State>();
    if (const int rc = uv_poll_init(loop.native(), &state->handle, fd); rc < 0) {
        return tl::unexpected(uv_error(rc, "watch a descriptor"));
    }
    state->handle.data = state.get();
    state->fn = std::move(fn);
    FdWatch watch;
    watch.state_.reset(state.release());
    watch.change_interest(interest);
    return watch;
}

void FdWatch::change_interest(Readiness interest) {
    state_->interest = interest;
    const int events =
        (interest.readable ? UV_READABLE : 0) | (interest.writable ? UV_WRITABLE : 0);
    if (events == 0) {
        uv_poll_stop(&state_->handle);
        return;
    }
    check(uv_poll_start(&state_->handle, events, State::on_poll), "uv_poll_start");
}

} // namespace ctys::loop
