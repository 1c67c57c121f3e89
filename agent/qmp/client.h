#pragma once

#include "agent/qmp/session.h"
#include "mesh/loop/event_loop.h"
#include "mesh/loop/unix_stream.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace ctys::qmp {

/// One QMP connection on the loop. Either QEMU dialled our socket and the stream was accepted, or
/// we connect to the monitor of a VM that somebody else started. Dropping it ends the connection;
/// nothing is called after that. Every callback may drop the client.
class Client {
public:
    using OnReply = std::function<void(const Reply&)>;

    struct Callbacks {
        /// Commands are answered from here on; earlier ones have waited.
        std::function<void(const Ready&)> on_ready;
        std::function<void(const Event&)> on_event;
        /// Once, and the last call. Interrupted replies come before it. The end of a connection
        /// is not the end of the process: wait for the pidfd.
        std::function<void(const Error&)> on_closed;
    };

    struct Options {
        /// The process that has to be at the other end; nothing accepts any.
        std::optional<pid_t> expected_pid;
        /// Given back by generation(): what came from an older connection of the same VM can be
        /// told apart.
        std::uint64_t generation = 0;
        SessionLimits limits;
    };

    /// Takes over an accepted stream. Errors: Refused (another process is at the other end; the
    /// stream is closed).
    [[nodiscard]] static Result<std::unique_ptr<Client>>
    accept(loop::EventLoop& loop, loop::UnixStream stream, Options options, Callbacks callbacks);

    /// Connects to a monitor. A monitor serves one client at a time, and a further one is accepted
    /// by the kernel but never greeted: that ends as TimedOut after limits.greeting. Errors: those
    /// of UnixStream::connect and of accept().
    [[nodiscard]] static Result<std::unique_ptr<Client>>
    connect(loop::EventLoop& loop, const std::string& path, Options options, Callbacks callbacks);

    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// `on_reply` is called exactly once, later than the return, unless the client is dropped.
    /// Errors: those of Session::submit.
    [[nodiscard]] Status
    execute(std::string_view command, const Value& arguments, Duration patience, OnReply on_reply);

    /// Ends the session: pending commands are interrupted, then on_closed gets Cancelled. Both
    /// happen before it returns. Idempotent.
    void stop();

    [[nodiscard]] std::uint64_t generation() const;
    [[nodiscard]] const loop::PeerCredentials& peer() const;
    [[nodiscard]] Session::Phase phase() const;
    [[nodiscard]] const SessionCounters& counters() const;

private:
    struct State;
    explicit Client(std::shared_ptr<State> state);

    /// Shared with the callback that is running, so that it may drop the client.
    std::shared_ptr<State> state_;
};

} // namespace ctys::qmp
