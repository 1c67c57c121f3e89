#pragma once

#include "mesh/bus/endpoint.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// Sockets of the agents of this machine that use this runtime directory, by name; without those
/// that an agent has left behind which surely runs no more, since nobody is to wait for it.
[[nodiscard]] std::vector<bus::Endpoint> agent_sockets(const std::string& runtime);

} // namespace ctys::tools
