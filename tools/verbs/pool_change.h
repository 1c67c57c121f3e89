#pragma once

#include "tools/verbs/session.h"

#include <string>

namespace ctys::tools {

enum class PoolChange : std::uint8_t { Add, Trust };

/// Writes a pool, "DIR" or "WORKER:DIR", into the pool file of an agent of this machine and lets a
/// running agent read it again. Prints what is in force and from when. Waits for the agent's word
/// for --timeout, else ten seconds, where the broker can be asked.
/// Errors: Usage, NotFound (no such agent, no such directory), Ambiguous (several agents),
/// Conflict (lies in a pool already), Refused, Storage, TimedOut.
[[nodiscard]] Status tell_agent(Session& session, const std::string& pool, PoolChange change);

} // namespace ctys::tools
