#pragma once

#include "agent/discovery/process_facts.h"
#include "mesh/loop/event_loop.h"
#include "mesh/loop/pid_watch.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ctys::agent {

/// What discovery can and cannot see here, for `ctys workers`.
struct Visibility {
    /// Exit codes of foreign processes are known, and new ones are seen within milliseconds.
    bool has_connector = false;
    std::string why_no_connector; ///< empty with one
    std::size_t hidden = 0;       ///< processes that look like a QEMU and may not be read
    std::size_t unwatched = 0;    ///< QEMUs beyond the bound of watches, or without a pidfd
};

/// Finds every QEMU process of the machine and watches it to its end.
///
/// At start everything is looked at; then /proc is polled, and the proc connector tells of execs
/// where it is permitted. Each QEMU gets a pidfd before its identity is read, so that neither a
/// reused pid nor an early exit can be mistaken: appeared() and exited() come in pairs, in this
/// order, for one InstanceKey each. A process that ends before its facts are read is not reported.
class Discovery {
public:
    struct Options {
        std::string probe; ///< path of ctys-probe
        std::string proc = "/proc";
        Duration period = std::chrono::seconds{1};
        Duration probe_deadline = std::chrono::seconds{1};
        bool use_connector = true;
        std::size_t max_instances = 4096;
    };

    struct Callbacks {
        std::function<void(const ProcessFacts&)> appeared;
        /// `wait_status` as of waitpid(2), where the proc connector told it.
        std::function<void(
            const InstanceKey&, WallTime at, std::optional<std::uint32_t> wait_status)>
            exited;
        /// Everything that ran when discovery started has been reported. Once.
        std::function<void()> settled;
    };

    /// Callbacks are never called before it returns, and may not drop the object. Errors: Failed,
    /// Refused (/proc cannot be read).
    [[nodiscard]] static Result<std::unique_ptr<Discovery>>
    start(loop::EventLoop& loop, Options options, Callbacks callbacks);
    ~Discovery();
    Discovery(const Discovery&) = delete;
    Discovery& operator=(const Discovery&) = delete;

    /// Looks at all processes now, and no matter what was seen before.
    void rescan();
    /// Looks at one process now: it has made itself known, and need not wait for the next poll.
    void look_at(std::uint32_t pid);
    /// By the pidfd of a reported instance, so never to another process. Errors: NotFound (not
    /// known or ended), Refused.
    [[nodiscard]] Status send_signal(const InstanceKey& key, int signal) const;
    [[nodiscard]] const MachineBoot& boot() const;
    [[nodiscard]] Visibility visibility() const;

private:
    struct State;
    explicit Discovery(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

/// All QEMUs that run now, for `ctys list --local`. Runs the loop, for at most `bound`. Errors:
/// those of Discovery::start; TimedOut.
[[nodiscard]] Result<std::vector<ProcessFacts>>
discover_once(loop::EventLoop& loop, const std::string& probe, Duration bound);

} // namespace ctys::agent
