#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"
#include "mesh/loop/fd_watch.h"
#include "mesh/loop/unique_fd.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <variant>

namespace ctys::agent {

/// A process runs another program from now on.
struct ExecNotice {
    std::uint32_t pid = 0;
};
/// A process (its first thread) ended.
struct ExitNotice {
    std::uint32_t pid = 0;
    std::uint32_t wait_status = 0; ///< as of waitpid(2): WIFSIGNALED, WEXITSTATUS
};
/// The kernel says whether we are heard; not 0 is an errno.
struct ListenAnswer {
    std::uint32_t error = 0;
};
using ConnectorNotice = std::variant<ExecNotice, ExitNotice, ListenAnswer>;

/// One datagram of the proc connector; nothing for a kind that does not matter here, for threads
/// and for what is malformed (linux/cn_proc.h).
[[nodiscard]] std::optional<ConnectorNotice>
parse_connector_message(std::span<const std::byte> datagram);

/// The kernel's notices of exec and exit of every process on the machine, by the netlink proc
/// connector. It gives the exit status of processes that are not ours. Only a hint: it needs
/// CAP_NET_ADMIN in the initial namespaces, and loses messages when the reader is slow.
class ProcConnector {
public:
    struct Callbacks {
        std::function<void(const ExecNotice&)> on_exec;
        std::function<void(const ExitNotice&)> on_exit;
        /// Messages were lost: look at everything again.
        std::function<void()> on_lost;
    };

    /// Errors: Refused (not permitted), Unsupported (no such thing in this kernel).
    [[nodiscard]] static Result<std::unique_ptr<ProcConnector>> open(loop::EventLoop& loop,
                                                                     Callbacks callbacks);

    /// Reads what is there now, at most some thousand messages; calls the callbacks.
    void drain();
    /// The kernel has confirmed that notices come.
    [[nodiscard]] bool is_confirmed() const { return confirmed_; }
    /// Set when the kernel refused after all.
    [[nodiscard]] std::optional<int> refusal() const { return refusal_; }

private:
    ProcConnector() = default;

    Callbacks callbacks_;
    bool confirmed_ = false;
    std::optional<int> refusal_;
    loop::UniqueFd socket_;
    std::optional<loop::FdWatch> watch_; ///< behind the socket: it goes first
};

} // namespace ctys::agent
