#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctys::agent {

/// Where the kernel counts the processes that it killed for lack of memory in the control group of
/// a process: from the text of /proc/PID/cgroup, below `mount` (/sys/fs/cgroup). Version 2
/// (memory.events), else the memory hierarchy of version 1 (memory.oom_control). Nothing without
/// either. Pure. Source: Documentation/admin-guide/cgroup-v2.rst, cgroups(7).
[[nodiscard]] std::optional<std::string> oom_counter_of(std::string_view cgroups,
                                                        std::string_view mount);

/// The number behind "oom_kill" in such a file. Pure.
[[nodiscard]] std::optional<std::uint64_t> parse_oom_kills(std::string_view text);

/// The counter of one process's group. Read when the process begins and when it ends, while its
/// group is still there; that it grew is evidence only together with an end by SIGKILL, since other
/// processes may share the group.
class OomCounter {
public:
    /// Nothing where the group has no such counter, or the process is gone.
    [[nodiscard]] static std::optional<OomCounter> of(std::uint32_t pid);
    /// Since of().
    [[nodiscard]] std::uint64_t grown() const;

private:
    OomCounter(std::string path, std::uint64_t before) : path_(std::move(path)), before_(before) {}

    std::string path_;
    std::uint64_t before_;
};

} // namespace ctys::agent
