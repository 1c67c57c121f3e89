#pragma once

#include "mesh/core/time.h"
#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>

namespace ctys::loop {

/// A timer of millisecond grain that never fires early. Starting again replaces what was set; the
/// callback may restart, stop or drop its own timer. Dropping it stops it.
class Timer {
public:
    explicit Timer(EventLoop& loop);

    void start_once(Duration after, std::function<void()> fn);
    /// First after one period. A late loop skips periods, it does not catch up.
    void start_repeating(Duration period, std::function<void()> fn);
    void stop();
    [[nodiscard]] bool is_active() const;

private:
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
