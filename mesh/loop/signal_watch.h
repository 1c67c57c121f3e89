#pragma once

#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>

namespace ctys::loop {

/// Calls `fn` on the loop for each delivery of a signal (deliveries may be merged). Dropping it
/// restores the default disposition when it was the last watch of that signal.
class SignalWatch {
public:
    SignalWatch(EventLoop& loop, int signal, std::function<void()> fn);

private:
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
