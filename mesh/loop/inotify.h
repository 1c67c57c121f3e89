#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace ctys::loop {

struct InotifyEvent {
    int watch = 0;          ///< what add() returned
    std::uint32_t mask = 0; ///< IN_* of inotify(7), IN_IGNORED and IN_UNMOUNT included
    std::uint32_t cookie = 0;
    std::string_view name; ///< entry in the watched directory, or empty; valid during the call
};

/// One inotify instance for all directories of a process. Not recursive, and blind for what other
/// machines do on a network file system. Add the watch first, scan the directory after.
class Inotify {
public:
    /// `on_overflow`: the kernel dropped events; everything watched has to be scanned again.
    /// Both may drop the object. Errors: Overloaded (instances of this user are used up).
    [[nodiscard]] static Result<Inotify> open(EventLoop& loop,
                                              std::function<void(const InotifyEvent&)> on_event,
                                              std::function<void()> on_overflow);

    /// The same path again changes its mask and returns the same watch. Errors: Overloaded (the
    /// watches of this user are used up), NotFound, Refused, Failed.
    [[nodiscard]] Result<int> add(const std::string& path, std::uint32_t mask);
    /// An IN_IGNORED event follows. Unknown watches are ignored.
    void remove(int watch);

private:
    Inotify() = default;
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
