#pragma once

#include "agent/discovery/poll_plan.h"
#include "agent/discovery/proc_text.h"
#include "agent/discovery/process_facts.h"
#include "mesh/loop/unique_fd.h"

#include <string>
#include <vector>

namespace ctys::agent {

/// The part of /proc that answers at once whatever a process is stuck in: the list of processes,
/// the exe link and stat. The rest (cmdline, fd, cwd) takes locks of the process and is read by
/// ctys-probe. All calls are synchronous and need some microseconds each.
class ProcReader {
public:
    /// Errors: Failed (no /proc), Refused.
    [[nodiscard]] static Result<ProcReader> open(const std::string& proc = "/proc");

    /// All processes, without threads. Errors: Failed.
    [[nodiscard]] Result<std::vector<ProcEntry>> list();
    /// Whether a process runs QEMU. "Hidden" where its link may not be read and its name fits.
    [[nodiscard]] Sight look(std::uint32_t pid) const;
    /// Errors: NotFound (no such process), Malformed.
    [[nodiscard]] Result<ProcStat> stat(std::uint32_t pid) const;
    /// Errors: Failed.
    [[nodiscard]] Result<MachineBoot> boot() const;

private:
    [[nodiscard]] Result<std::string> read(const std::string& below) const;

    loop::UniqueFd folder_;
    std::vector<char> buffer_; ///< reused between polls
};

} // namespace ctys::agent
