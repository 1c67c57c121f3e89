#pragma once

#include "mesh/bus/endpoint.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// Sockets of the agents of this machine that use this runtime directory, whether somebody listens
/// there or not, by name.
[[nodiscard]] std::vector<bus::Endpoint> agent_sockets(const std::string& runtime);

} // namespace ctys::tools
