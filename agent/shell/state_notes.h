#pragma once

#include "agent/core/effects.h"
#include "mesh/loop/child_process.h"

#include <deque>
#include <functional>
#include <map>

namespace ctys::agent {

/// Writes and removes the notes of saved states: by a process of the VM's owner, since the folder
/// is that user's and its storage may hang. One at a time for each configuration.
class StateNotes {
public:
    static constexpr Duration limit = std::chrono::seconds{10};
    using OnNoted = std::function<void(StateNoted)>;

    /// `call` is the path of ctys-qemu-call.
    StateNotes(loop::EventLoop& loop, std::string call, OnNoted on_noted)
        : loop_(loop), call_(std::move(call)), on_noted_(std::move(on_noted)) {}

    /// Answered later by on_noted, also where it cannot even be begun; number 0 too.
    void run(NoteState note);

private:
    struct Writer {
        std::deque<NoteState> waiting; ///< the first is under way
        std::optional<loop::ChildProcess> child;
    };

    void begin(const std::string& config);
    [[nodiscard]] Status start(const NoteState& note);
    void done(const std::string& config, std::optional<Error> error);

    loop::EventLoop& loop_;
    std::string call_;
    OnNoted on_noted_;
    std::map<std::string, Writer> writers_; ///< by configuration
};

} // namespace ctys::agent
