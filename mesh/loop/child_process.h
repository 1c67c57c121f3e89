#pragma once

#include "mesh/core/error.h"
#include "mesh/core/time.h"
#include "mesh/loop/event_loop.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace ctys::loop {

/// Where an output of a child goes.
struct ToNull {};
/// Kept up to a bound; more is read and thrown away, and the result says so.
struct ToMemory {
    std::size_t limit = 64 * 1024;
};
/// Appended to a file that is created with mode 0600.
struct ToFile {
    std::string path;
};
/// A descriptor of ours, lent for the start.
struct ToDescriptor {
    int fd = -1;
};
using OutputTarget = std::variant<ToNull, ToMemory, ToFile, ToDescriptor>;

/// What becomes of a child whose ChildProcess is dropped while it runs.
enum class WhenDropped {
    Kill, ///< SIGKILL, and reaped by the loop
    Leave ///< it goes on; the loop reaps it while the loop lives
};

struct ChildSpec {
    std::vector<std::string> argv; ///< argv[0] is looked up in PATH unless it has a slash
    std::optional<std::vector<std::string>> env = {}; ///< "NAME=VALUE"; none: that of this process
    std::string cwd = {};                             ///< empty: that of this process
    std::optional<uid_t> uid = {}; ///< needs privilege; drops the supplementary groups as well
    std::optional<gid_t> gid = {};
    bool new_session = false; ///< setsid(): own session and process group, no terminal
    std::string input = {};   ///< bytes for its standard input; empty: /dev/null
    OutputTarget output = ToNull{};
    OutputTarget errors = ToNull{};
    /// After this span it is killed with SIGKILL, in a new session with its whole group.
    std::optional<Duration> deadline = {};
    WhenDropped when_dropped = WhenDropped::Kill;
};

struct ChildResult {
    int exit_status = 0; ///< meaningful if term_signal is 0
    int term_signal = 0;
    bool timed_out = false; ///< killed because its deadline passed
    std::string output = {};
    std::string errors = {};
    bool truncated = false; ///< output or errors exceeded its limit
};

/// One child, started at once. Signals are reset and all other descriptors that have CLOEXEC set,
/// as all of ours do, are closed in it.
class ChildProcess {
public:
    using OnDone = std::function<void(const ChildResult&)>;

    /// `on_done` is called once, when the child has ended and its outputs have: a grandchild that
    /// keeps them open is not waited for longer than 250 ms. It may drop the object. It is not
    /// called after a drop. Errors: NotFound (no such program or folder), Refused, Overloaded
    /// (processes or descriptors), Failed.
    [[nodiscard]] static Result<ChildProcess>
    start(EventLoop& loop, ChildSpec spec, OnDone on_done);

    [[nodiscard]] pid_t pid() const;
    /// To its process group if it has a new session. Errors: NotFound (ended), Refused.
    [[nodiscard]] Status kill(int signal);

private:
    ChildProcess() = default;
    struct State;
    struct Close {
        void operator()(State* state) const;
    };
    std::unique_ptr<State, Close> state_;
};

} // namespace ctys::loop
