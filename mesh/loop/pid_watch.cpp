#include "mesh/loop/pid_watch.h"

#include "mesh/loop/unique_fd.h"
#include "mesh/loop/uv_handle.h"

#include <fmt/format.h>

#include <cerrno>
// glibc 2.36 forgets that C++ may include it.
extern "C" {
#include <sys/pidfd.h>
}

namespace ctys::loop {

struct PidWatch::State {
    uv_poll_t handle{};
    UniqueFd fd;
    pid_t pid = 0;
    bool exited = false;
    std::function<void()> on_exit;

    static void on_poll(uv_poll_t* handle, int /*status*/, int /*events*/) {
        auto* state = static_cast<State*>(handle->data);
        // A pidfd stays readable: without the stop the loop would spin.
        uv_poll_stop(handle);
        state->exited = true;
        guarded(handle->loop, [&] { call_held(state->on_exit); });
    }
};

void PidWatch::Close::operator()(State* state) const {
    close_and_delete(state, &state->handle);
}

Result<PidWatch> PidWatch::open(EventLoop& loop, pid_t pid, std::function<void()> on_exit) {
    const auto what = [&] { return fmt::format("watch process {}", pid); };
    if (pid <= 0) return fail(ErrorCode::NotFound, what() + ": not a process id");
    auto state = std::make_unique<State>();
    state->fd = UniqueFd(::pidfd_open(pid, 0));
    if (!state->fd.is_open()) return tl::unexpected(errno_error(errno, what()));
    if (const int rc = uv_poll_init(loop.native(), &state->handle, state->fd.value()); rc < 0) {
        return tl::unexpected(uv_error(rc, what()));
    }
    state->handle.data = state.get();
    state->pid = pid;
    state->on_exit = std::move(on_exit);
    PidWatch watch;
    watch.state_.reset(state.release());
    check(uv_poll_start(&watch.state_->handle, UV_READABLE, State::on_poll), "uv_poll_start");
    return watch;
}

Status PidWatch::send_signal(int signal) const {
    if (::pidfd_send_signal(state_->fd.value(), signal, nullptr, 0) == 0) return {};
    return tl::unexpected(
        errno_error(errno, fmt::format("signal {} to process {}", signal, state_->pid)));
}

pid_t PidWatch::pid() const {
    return state_->pid;
}

bool PidWatch::has_exited() const {
    return state_->exited;
}

} // namespace ctys::loop
