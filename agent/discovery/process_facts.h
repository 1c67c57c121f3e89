#pragma once

#include "agent/discovery/probe_record.h"
#include "mesh/core/vm.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ctys::agent {

/// What /proc says about one QEMU process. All texts are bytes as the process or its starter chose
/// them, not checked for UTF-8.
struct ProcessFacts {
    InstanceKey key;
    WallTime started;      ///< from the start ticks, to 10 ms
    std::uint32_t uid = 0; ///< effective
    std::uint32_t gid = 0;
    std::string user;              ///< account name, or the number
    std::string executable;        ///< as started; without " (deleted)"
    std::vector<std::string> argv; ///< not the truth: -readconfig and hot plugging hide things
    std::string cwd;               ///< "/" of a daemonized one: its relative paths mean nothing
    std::vector<std::string> open_files; ///< that may be images, as the process sees the paths
    std::vector<std::string> sockets;    ///< listening unix sockets; abstract ones start with "@"
    std::string cgroup;
    std::uint32_t parent_pid = 0;
    std::string parent_name;        ///< comm of the parent, at most 15 bytes
    bool session_is_orphan = false; ///< leads no session and its leader is gone: daemonized
    bool other_mounts = false;      ///< in another mount namespace: paths go through /proc/PID/root
    bool other_network = false;
    /// Empty, or what could not be read and why: "cmdline: not within 1.0 s".
    std::string missing;

    bool operator==(const ProcessFacts&) const = default;
};

/// The machine as this boot of it: start ticks count from `booted`.
struct MachineBoot {
    BootId id;
    WallTime booted;
    std::uint32_t ticks_per_second = 100; ///< sysconf(_SC_CLK_TCK)
};

/// What a probe's record says. A record without start ticks is that of a process that is gone; its
/// key has start ticks 0.
[[nodiscard]] ProcessFacts facts_of_record(const ProbeRecord& record, const MachineBoot& boot);

/// Start ticks of this boot as wall clock.
[[nodiscard]] WallTime start_time(std::uint64_t start_ticks, const MachineBoot& boot);

} // namespace ctys::agent
