#include "mesh/loop/unix_listener.h"

#include "mesh/loop/unix_stream_state.h"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

namespace ctys::loop {

struct UnixListener::State {
    uv_pipe_t handle{};
    std::function<void(UnixStream)> on_accept;

    void accept_one() {
        UnixStream stream;
        stream.state_.reset(new UnixStream::State(handle.loop));
        auto* to = reinterpret_cast<uv_stream_t*>(&stream.state_->handle);
        if (uv_accept(reinterpret_cast<uv_stream_t*>(&handle), to) < 0) return;
        // Without credentials nobody is served.
        if (!stream.state_->read_peer()) return;
        auto running = std::move(on_accept);
        on_accept = nullptr;
        running(std::move(stream));
        on_accept = std::move(running);
    }

    static void on_connection(uv_stream_t* server, int status) {
        if (status < 0) return;
        auto* state = static_cast<State*>(server->data);
        guarded(server->loop, [&] { state->accept_one(); });
    }
};

void UnixListener::Close::operator()(State* state) const {
    close_and_delete(state, &state->handle); // libuv unlinks the path it bound.
}

Result<UnixListener> UnixListener::open(EventLoop& loop,
                                        const std::string& path,
                                        std::function<void(UnixStream)> on_accept,
                                        UnixListenerOptions options) {
    const auto what = fmt::format("listen on {}", path);
    if (auto valid = check_unix_path(path); !valid) return wrap(what, std::move(valid.error()));
    struct stat found {};
    if (options.replace_stale && ::lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
        ::unlink(path.c_str());
    }
    UnixListener listener;
    auto state = std::make_unique<State>();
    check(uv_pipe_init(loop.native(), &state->handle, 0), "uv_pipe_init");
    state->handle.data = state.get();
    state->on_accept = std::move(on_accept);
    listener.state_.reset(state.release());
    auto* pipe = &listener.state_->handle;
    // By the umask, not by a chmod afterwards: in a folder of another user a link could have taken
    // the place of the socket by then. Other threads make no files meanwhile.
    const auto before = ::umask(0777 & ~options.mode);
    const int bound = uv_pipe_bind(pipe, path.c_str());
    ::umask(before);
    if (bound < 0) return tl::unexpected(uv_error(bound, what));
    auto* stream = reinterpret_cast<uv_stream_t*>(pipe);
    if (const int rc = uv_listen(stream, options.backlog, State::on_connection); rc < 0) {
        return tl::unexpected(uv_error(rc, what));
    }
    return listener;
}

} // namespace ctys::loop
