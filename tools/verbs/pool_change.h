#pragma once

#include "tools/verbs/session.h"

#include <string>
#include <vector>

namespace ctys::tools {

enum class PoolChange : std::uint8_t { Add, Trust };

/// Writes a pool, "DIR" or "WORKER:DIR", into the pool file of an agent of this machine and lets a
/// running agent read it again. Prints what is in force and from when. Waits for the agent's word
/// for --timeout, else ten seconds, where the broker can be asked.
/// Errors: Usage, NotFound (no such agent, no such directory, and to trust: no such pool),
/// Ambiguous (several agents), Conflict (lies in a pool already, or holds one), Refused, Storage,
/// TimedOut; to trust, Unreachable (which pools the agent has cannot be asked).
[[nodiscard]] Status tell_agent(Session& session, const std::string& pool, PoolChange change);

/// The same for an agent by its name, where the directory is no pool of it yet; silent where it is.
[[nodiscard]] Status
ensure_pool(Session& session, const std::string& agent, const std::string& directory);

/// May `root` become a pool beside those the agent has? A pool in a pool would be walked twice and
/// give each VM two owners. Pure. Errors: Conflict.
[[nodiscard]] Status check_apart(const std::string& root,
                                 const std::vector<std::string>& roots,
                                 const std::string& agent);

} // namespace ctys::tools
