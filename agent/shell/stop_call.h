#pragma once

#include "mesh/bus/context.h"
#include "mesh/core/message.h"
#include "mesh/loop/event_loop.h"
#include "mesh/setup/directories.h"

#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>

namespace ctys::agent {

/// Asks a running agent to stop the VMs of its machine, over its own socket.
class StopCall {
public:
    /// The first answer comes at once, whatever the agent does: without it the agent hangs.
    static constexpr Duration first_patience = std::chrono::seconds{3};
    /// Afterwards it gives a sign of life each second.
    static constexpr Duration patience = std::chrono::seconds{10};

    using OnTold = std::function<void(const msg::GuestsStopping&)>;

    /// `pid` is the agent's: when it ends nothing more is waited for.
    StopCall(bus::Context& context, loop::EventLoop& loop, std::string socket, pid_t pid)
        : context_(context), loop_(loop), socket_(std::move(socket)), pid_(pid) {}

    /// The last message, with `done`; every message is given to `on_told` before. Errors:
    /// Unreachable (it does not answer, or has ended), those the agent answers with.
    [[nodiscard]] Result<msg::GuestsStopping> run(const msg::StopGuests& asked,
                                                  const OnTold& on_told);

private:
    bus::Context& context_;
    loop::EventLoop& loop_;
    std::string socket_;
    pid_t pid_;
};

/// An agent of this name has been here: it has a folder for its state or its sockets. Makes
/// nothing. Errors: NotFound, naming the agents that have been here.
[[nodiscard]] Status require_known_agent(const setup::Directories& directories,
                                         const std::string& name);

/// The agent of this name that runs now: it holds its lock.
[[nodiscard]] std::optional<pid_t> running_agent(const setup::Directories& directories,
                                                 const std::string& name);

/// Ends an agent that hangs, by SIGKILL. Its VMs go on. Errors: Refused (not ours), NotFound (it
/// has ended), TimedOut (it is still there).
[[nodiscard]] Status end_hung_agent(loop::EventLoop& loop,
                                    const setup::Directories& directories,
                                    const std::string& name,
                                    pid_t pid);

} // namespace ctys::agent
