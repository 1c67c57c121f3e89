#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>

namespace ctys::loop {

struct Readiness {
    bool readable = false;
    bool writable = false;
};

/// Watches a descriptor somebody else owns; it must stay open until the watch is dropped, and only
/// one watch per descriptor may exist. Level-triggered; wake-ups without cause are possible, so
/// read until EAGAIN. A descriptor in error counts as ready for all that was asked.
class FdWatch {
public:
    /// Errors: Failed (regular files and closed descriptors cannot be watched).
    [[nodiscard]] static Result<FdWatch>
    open(EventLoop& loop, int fd, Readiness interest, std::function<void(Readiness)> fn);

    /// Asks for other readiness from now on; none at all pauses the watch.
    void change_interest(Readiness interest);

private:
    FdWatch() = default;
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
