#pragma once

#include "agent/qmp/guest_talk.h"
#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

namespace ctys::qmp {

/// One request to a guest agent on the loop, over the socket at which QEMU listens for it. Dropping
/// it ends the connection; nothing is called after that.
class GuestClient {
public:
    /// Once, later than the return, and the last call; it may drop the client.
    using OnEnd = std::function<void(const Result<GuestAnswer>&)>;

    struct Options {
        /// The process that has to listen there; nothing accepts any.
        std::optional<pid_t> expected_pid;
        GuestTalkLimits limits;
    };

    /// Connects and begins. Where somebody else talks to the guest, the kernel accepts and nobody
    /// answers: that ends as TimedOut. Errors: those of UnixStream::connect, and Refused (another
    /// process listens; nothing was sent).
    [[nodiscard]] static Result<std::unique_ptr<GuestClient>> connect(loop::EventLoop& loop,
                                                                      const std::string& path,
                                                                      GuestRequest request,
                                                                      Options options,
                                                                      OnEnd on_end);

    ~GuestClient();
    GuestClient(const GuestClient&) = delete;
    GuestClient& operator=(const GuestClient&) = delete;

private:
    struct State;
    explicit GuestClient(std::shared_ptr<State> state);

    /// Shared with the callback that is running, so that it may drop the client.
    std::shared_ptr<State> state_;
};

} // namespace ctys::qmp
