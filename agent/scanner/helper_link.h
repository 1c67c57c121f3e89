#pragma once

#include "agent/scanner/frame.h"
#include "agent/scanner/helper_protocol.h"
#include "mesh/loop/child_process.h"
#include "mesh/loop/event_loop.h"
#include "mesh/loop/fd_watch.h"
#include "mesh/loop/unique_fd.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ctys::agent {

/// One running scan helper and the socket to it. Nothing here ever waits for the helper: one that
/// hangs on its mount cannot even be killed until the mount answers.
class HelperLink {
public:
    struct Events {
        std::function<void(HelperReport)> on_report;
        /// It broke the protocol. Once; the link is to be cut then.
        std::function<void(std::string reason)> on_broken;
        /// The process is gone, with its last words. Once, last of all; may drop the link.
        std::function<void(std::string reason)> on_exit;
    };

    /// Errors: as ChildProcess::start.
    [[nodiscard]] static Result<std::unique_ptr<HelperLink>> start(loop::EventLoop& loop,
                                                                   std::vector<std::string> argv,
                                                                   std::optional<uid_t> uid,
                                                                   std::optional<gid_t> gid,
                                                                   Events events);

    /// Errors: Unreachable (cut), Overloaded (it does not read).
    [[nodiscard]] Status send(const HelperCommand& command);
    /// SIGKILL; no report follows, on_exit does as soon as the kernel lets the process go.
    void cut();
    [[nodiscard]] pid_t pid() const;

private:
    HelperLink() = default;
    void read_some();
    [[nodiscard]] bool read_frames();
    void break_off(std::string reason);

    Events events_;
    FrameSplitter frames_;
    loop::UniqueFd channel_;
    std::optional<loop::FdWatch> watch_; ///< goes before its descriptor
    std::optional<loop::ChildProcess> child_;
};

} // namespace ctys::agent
