#pragma once

#include "agent/core/owner_command.h"

namespace ctys::agent {

/// Notes which of the commands have their program on this machine, now: looked for in PATH unless
/// it has a slash.
void find_programs(OwnerCommands& commands);

/// The file that the owner keeps of its VM names this process. It alone can write there; a process
/// may call itself what it likes. Errors: Refused.
[[nodiscard]] Status check_pidfile(const std::string& pidfile, std::uint32_t pid);

} // namespace ctys::agent
