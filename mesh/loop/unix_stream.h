#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <sys/types.h>

namespace ctys::loop {

/// Longest path of a unix socket in bytes: sun_path without its NUL (unix(7)).
constexpr std::size_t max_unix_path_bytes = 107;
/// Errors: Usage, naming the path and the limit.
[[nodiscard]] Status check_unix_path(const std::string& path);

/// Who was at the other end when it connected, by SO_PEERCRED: cannot be forged by the peer.
struct PeerCredentials {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
};

/// A connected unix stream socket. Dropping it closes the connection and forgets what is unsent.
class UnixStream {
public:
    using OnData = std::function<void(std::span<const std::byte>)>;
    /// A success when the peer ended the connection in order.
    using OnClose = std::function<void(const Status&)>;

    /// Connects at once or not at all. Errors: Usage (path too long), NotFound, Refused,
    /// Unreachable (nobody listens), Overloaded (the listener's backlog is full).
    [[nodiscard]] static Result<UnixStream> connect(EventLoop& loop, const std::string& path);

    /// Begins reading. `on_close` is called once at the end, then never anything again; neither is
    /// called after close(). Both may drop the stream.
    void start(OnData on_data, OnClose on_close);
    /// Stops reading until start(): the peer is held back by its full socket buffer.
    void pause();

    /// All or nothing. Errors: Overloaded (more than the bound would be queued; nothing was
    /// written), Unreachable (closed).
    [[nodiscard]] Status write(std::span<const std::byte> bytes);
    [[nodiscard]] Status write(std::string_view text);
    [[nodiscard]] std::size_t queued_bytes() const;
    /// Default 16 MiB.
    void limit_queue(std::size_t bytes);

    [[nodiscard]] const PeerCredentials& peer() const;
    [[nodiscard]] bool is_open() const;
    /// Idempotent; later calls see a closed stream.
    void close();

private:
    friend class UnixListener;
    UnixStream() = default;
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
