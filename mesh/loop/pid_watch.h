#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>
#include <sys/types.h>

namespace ctys::loop {

/// Reports the exit of any process once, child or not, by its pidfd (pidfd_open(2), Linux 5.3).
/// While the watch lives the pid may be reused, but send_signal never reaches the newcomer.
/// Compare /proc/PID/stat after opening, not before: only then is it the process that was meant.
class PidWatch {
public:
    /// `on_exit` may drop the watch. Errors: NotFound (no such process), Overloaded (descriptors).
    [[nodiscard]] static Result<PidWatch>
    open(EventLoop& loop, pid_t pid, std::function<void()> on_exit);

    /// By pidfd_send_signal(2). Errors: NotFound (it has ended), Refused (not permitted).
    [[nodiscard]] Status send_signal(int signal) const;
    [[nodiscard]] pid_t pid() const;
    [[nodiscard]] bool has_exited() const;

private:
    PidWatch() = default;
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
