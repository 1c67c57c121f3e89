#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ctys::vde {

/// Whether this is the command line of a vde_switch whose folder is `data`. Pure.
[[nodiscard]] bool is_switch_of(const std::vector<std::string>& argv, const std::string& data);

/// The vde_switch of that user whose folder is `data`, in this network namespace; 0 where none
/// runs.
[[nodiscard]] pid_t find_switch_process(const std::string& data, uid_t uid);

/// Ends that process by SIGTERM, then by SIGKILL, if it is still that switch. Errors: Stuck.
[[nodiscard]] Status kill_switch(const std::string& data, uid_t uid);

/// Command line of a process; empty where there is none, or it may not be read.
[[nodiscard]] std::vector<std::string> command_line_of(pid_t pid);

/// Inodes of the sockets that this process and those above it have open, as far as they may be
/// read.
[[nodiscard]] std::vector<std::uint64_t> sockets_above();

/// A whole file of /proc; empty where it may not be read.
[[nodiscard]] std::string read_proc(const std::string& path);

} // namespace ctys::vde
