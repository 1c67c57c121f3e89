#include "tools/setup_vde/elsewhere.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/loop/child_process.h"
#include "mesh/loop/signal_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <unistd.h>

namespace ctys::vde {

namespace {

// More than all the steps there take together.
constexpr Duration patience_elsewhere = std::chrono::minutes{5};
constexpr int ssh_failed = 255;
constexpr int no_such_program = 127;

Result<int> status_of_ssh(const std::string& machine, const loop::ChildResult& ended) {
    if (ended.term_signal != 0)
        return fail(ErrorCode::Failed, fmt::format("ssh ended by signal {}", ended.term_signal));
    if (ended.exit_status == ssh_failed) {
        return fail(ErrorCode::Unreachable,
                    "ssh did not get there without a password, or was cut off",
                    shell_quoted({"ssh", machine, "true"}));
    }
    if (ended.exit_status == no_such_program) {
        return fail(ErrorCode::Unsupported,
                    "ctys-setupVDE is not in the PATH that ssh has there",
                    shell_quoted({"ssh", machine, "echo $PATH"}));
    }
    return ended.exit_status;
}

} // namespace

std::vector<std::string> words_for(const std::string& machine, const Request& request) {
    // ssh hands one text to the shell there.
    return {"ssh",
            "-T",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=10",
            "-o",
            "ServerAliveInterval=5",
            "-o",
            "ServerAliveCountMax=6",
            "--",
            machine,
            shell_quoted(words_of(request))};
}

Result<int>
run_elsewhere(loop::EventLoop& loop, const std::string& machine, const Request& request) {
    bool interrupted = false;
    std::vector<loop::SignalWatch> watches;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        watches.emplace_back(loop, signal, [&interrupted] { interrupted = true; });
    }
    const loop::ChildSpec spec{.argv = words_for(machine, request),
                               .output = loop::ToDescriptor{STDOUT_FILENO},
                               .errors = loop::ToDescriptor{STDERR_FILENO},
                               .deadline = patience_elsewhere};
    std::optional<loop::ChildResult> result;
    auto child = loop::ChildProcess::start(
        loop, spec, [&result](const loop::ChildResult& ended) { result = ended; });
    if (!child) {
        const bool absent = child.error().code == ErrorCode::NotFound;
        return fail(absent ? ErrorCode::Unsupported : child.error().code,
                    child.error().message,
                    absent ? "apt install openssh-client" : "");
    }
    std::ignore = loop.run_until([&] { return interrupted || result.has_value(); },
                                 patience_elsewhere + std::chrono::seconds{2});
    const auto look = shell_quoted({"ssh", machine, "ctys-setupVDE", "list"});
    if (interrupted)
        return fail(ErrorCode::Interrupted, "interrupted; what was begun there goes on", look);
    if (!result || result->timed_out)
        return fail(ErrorCode::TimedOut, "no end of it is seen; it may go on there", look);
    return status_of_ssh(machine, *result);
}

int status_of_all(const std::vector<int>& statuses) {
    const int first = statuses.front();
    const bool same = std::all_of(
        statuses.begin(), statuses.end(), [first](int status) { return status == first; });
    return same ? first : traits(ErrorCode::Partial).exit_status;
}

} // namespace ctys::vde
