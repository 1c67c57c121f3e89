#pragma once

#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>

namespace ctys::loop {

/// Serves a source whose descriptor is edge-triggered and says no more than "something changed",
/// as that of a ZeroMQ socket does: any call on the socket may consume the edge, so the source is
/// asked before the loop sleeps and again after it woke. Asking only when the descriptor becomes
/// readable loses messages for ever.
///
/// The descriptor must stay open until the pump is dropped.
class EdgePump {
public:
    /// `is_ready` is asked before each sleep; while it holds the loop does not sleep. `work` runs
    /// once per round, ready or not: it asks the source itself and bounds what it does.
    EdgePump(EventLoop& loop, int fd, std::function<bool()> is_ready, std::function<void()> work);

private:
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
