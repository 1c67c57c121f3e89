#pragma once

// Internal to mesh/loop: the listener accepts into a stream's handle.

#include "mesh/loop/unix_stream.h"
#include "mesh/loop/uv_handle.h"

namespace ctys::loop {

struct UnixStream::State {
    uv_pipe_t handle{};
    OnData on_data;
    OnClose on_close;
    PeerCredentials peer;
    std::size_t queue_limit = 16UL * 1024 * 1024;
    static constexpr unsigned read_bytes = 64 * 1024;

    /// The handle is open from here on; the owner closes it through UnixStream::Close.
    explicit State(uv_loop_t* loop);
    [[nodiscard]] Status read_peer();
    void end(const Status& why);

    static void on_alloc(uv_handle_t* handle, std::size_t suggested, uv_buf_t* buffer);
    static void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer);
    static void on_written(uv_write_t* request, int status);
};

} // namespace ctys::loop
