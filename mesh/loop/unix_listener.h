#pragma once

#include "mesh/loop/unix_stream.h"

#include <functional>
#include <memory>
#include <string>

namespace ctys::loop {

struct UnixListenerOptions {
    /// Removes a socket that lies at the path first. Only where a lock says that it is ours.
    bool replace_stale = false;
    mode_t mode = 0600; ///< of the socket file; the folder should be private all the same
    int backlog = 64;
};

/// A listening unix stream socket. Dropping it removes the socket file; accepted streams go on.
class UnixListener {
public:
    /// Errors: Usage (path too long), Conflict (something lies at the path), Refused (no such
    /// folder or not writable), Failed.
    [[nodiscard]] static Result<UnixListener> open(EventLoop& loop,
                                                   const std::string& path,
                                                   std::function<void(UnixStream)> on_accept,
                                                   UnixListenerOptions options = {});

private:
    UnixListener() = default;
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
