#include "mesh/loop/unix_stream.h"

#include "mesh/loop/unique_fd.h"
#include "mesh/loop/unix_stream_state.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace ctys::loop {

// Happy path: bytes go out at once by uv_try_write, what the kernel does not take is queued.
// Failure modes: a queue above its bound refuses the whole write; an error of a queued write and an
// error or end of reading end the stream once, with one on_close.

namespace {

struct WriteRequest {
    uv_write_t request{};
    std::string bytes;
};

uv_stream_t* as_stream(uv_pipe_t* pipe) {
    return reinterpret_cast<uv_stream_t*>(pipe);
}

} // namespace

Status check_unix_path(const std::string& path) {
    if (path.empty() || path.size() > max_unix_path_bytes || path.find('\0') != std::string::npos) {
        return fail(ErrorCode::Usage,
                    fmt::format("the socket path \"{}\" has {} bytes; 1 to {} are possible",
                                path,
                                path.size(),
                                max_unix_path_bytes));
    }
    return {};
}

UnixStream::State::State(uv_loop_t* loop) {
    check(uv_pipe_init(loop, &handle, 0), "uv_pipe_init");
    handle.data = this;
}

Status UnixStream::State::read_peer() {
    uv_os_fd_t fd = -1;
    check(uv_fileno(as_handle(&handle), &fd), "uv_fileno");
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return tl::unexpected(errno_error(errno, "SO_PEERCRED"));
    }
    peer = {credentials.pid, credentials.uid, credentials.gid};
    return {};
}

void UnixStream::State::end(const Status& why) {
    if (uv_is_closing(as_handle(&handle)) != 0) return;
    const auto callback = std::exchange(on_close, nullptr);
    // The owner still holds the state and closes it again, which is a no-op for the handle.
    uv_read_stop(as_stream(&handle));
    if (callback) callback(why);
}

// Only for the time of one read: an agent holds hundreds of streams that are silent, and a buffer
// in each of them was most of its memory. on_read() frees it; libuv calls that after every
// on_alloc().
void UnixStream::State::on_alloc(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(new char[read_bytes], read_bytes);
}

void UnixStream::State::on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
    const std::unique_ptr<const char[]> owned(buffer->base);
    auto* state = static_cast<State*>(stream->data);
    guarded(stream->loop, [&] {
        if (got == 0) return;
        if (got == UV_EOF) return state->end({});
        if (got < 0) return state->end(tl::unexpected(uv_error(static_cast<int>(got), "read")));
        const auto* bytes = reinterpret_cast<const std::byte*>(buffer->base);
        call_held(state->on_data, std::span(bytes, static_cast<std::size_t>(got)));
    });
}

void UnixStream::State::on_written(uv_write_t* request, int status) {
    const std::unique_ptr<WriteRequest> owned(static_cast<WriteRequest*>(request->data));
    if (status == 0 || status == UV_ECANCELED) return;
    auto* state = static_cast<State*>(request->handle->data);
    guarded(request->handle->loop, [&] { state->end(tl::unexpected(uv_error(status, "write"))); });
}

void UnixStream::Close::operator()(State* state) const {
    close_and_delete(state, &state->handle);
}

Result<UnixStream> UnixStream::connect(EventLoop& loop, const std::string& path) {
    const auto what = fmt::format("connect to {}", path);
    if (auto valid = check_unix_path(path); !valid) return wrap(what, std::move(valid.error()));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) return tl::unexpected(errno_error(errno, what));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(fd.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return tl::unexpected(errno_error(errno, what));
    }
    UnixStream stream;
    stream.state_.reset(new State(loop.native()));
    check(uv_pipe_open(&stream.state_->handle, fd.value()), "uv_pipe_open");
    static_cast<void>(fd.release());
    if (auto known = stream.state_->read_peer(); !known) {
        return wrap(what, std::move(known.error()));
    }
    return stream;
}

void UnixStream::start(OnData on_data, OnClose on_close) {
    if (!is_open()) return;
    state_->on_data = std::move(on_data);
    state_->on_close = std::move(on_close);
    uv_read_stop(as_stream(&state_->handle));
    check(uv_read_start(as_stream(&state_->handle), State::on_alloc, State::on_read),
          "uv_read_start");
}

void UnixStream::pause() {
    if (is_open()) uv_read_stop(as_stream(&state_->handle));
}

Status UnixStream::write(std::span<const std::byte> bytes) {
    if (!is_open()) return fail(ErrorCode::Unreachable, "write: the connection is closed");
    if (queued_bytes() + bytes.size() > state_->queue_limit) {
        return fail(ErrorCode::Overloaded,
                    fmt::format("write: {} bytes wait for the peer already", queued_bytes()));
    }
    auto* stream = as_stream(&state_->handle);
    // libuv takes mutable buffers but only reads them.
    auto* base = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    auto buffer = uv_buf_init(base, static_cast<unsigned>(bytes.size()));
    const int taken = uv_try_write(stream, &buffer, 1);
    if (taken < 0 && taken != UV_EAGAIN) return tl::unexpected(uv_error(taken, "write"));
    const auto done = static_cast<std::size_t>(std::max(taken, 0));
    if (done == bytes.size()) return {};
    auto request = std::make_unique<WriteRequest>();
    request->bytes.assign(base + done, bytes.size() - done);
    request->request.data = request.get();
    buffer = uv_buf_init(request->bytes.data(), static_cast<unsigned>(request->bytes.size()));
    const int queued = uv_write(&request->request, stream, &buffer, 1, State::on_written);
    if (queued < 0) return tl::unexpected(uv_error(queued, "write"));
    static_cast<void>(request.release()); // Frees itself in on_written.
    return {};
}

Status UnixStream::write(std::string_view text) {
    return write(std::as_bytes(std::span(text)));
}

std::size_t UnixStream::queued_bytes() const {
    return is_open() ? uv_stream_get_write_queue_size(as_stream(&state_->handle)) : 0;
}

void UnixStream::limit_queue(std::size_t bytes) {
    if (is_open()) state_->queue_limit = bytes;
}

const PeerCredentials& UnixStream::peer() const {
    CTYS_ASSERT(is_open());
    return state_->peer;
}

bool UnixStream::is_open() const {
    return state_ != nullptr;
}

void UnixStream::close() {
    state_.reset();
}

} // namespace ctys::loop
