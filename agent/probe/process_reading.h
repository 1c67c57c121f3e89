#pragma once

#include "agent/discovery/probe_record.h"
#include "agent/discovery/proc_text.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ctys::agent {

/// Reads what discovery wants to know about processes. Every call may block for ever: the memory
/// of a process that waits for a dead mount may be locked. So it runs in ctys-probe only, a process
/// that its parent kills.
class ProcessReading {
public:
    explicit ProcessReading(std::string proc = "/proc") : proc_(std::move(proc)) {}

    /// One record: pid, start_ticks, uid, gid, user, exe, argv..., cwd, file..., socket..., cgroup,
    /// parent, parent_name, session_orphan, other_mounts, other_network, and "missing" for each
    /// part that could not be read. Only pid where there is no such process.
    [[nodiscard]] ProbeRecord read(std::uint32_t pid);

private:
    [[nodiscard]] std::string path(std::uint32_t pid, std::string_view below) const;
    void read_identity(std::uint32_t pid, ProbeRecord& record);
    void read_namespaces(std::uint32_t pid, ProbeRecord& record);
    void read_descriptors(std::uint32_t pid, ProbeRecord& record);
    [[nodiscard]] const std::vector<UnixSocket>& listening(std::uint32_t pid);

    std::string proc_;
    std::map<std::string, std::vector<UnixSocket>> listening_by_network_;
};

} // namespace ctys::agent
