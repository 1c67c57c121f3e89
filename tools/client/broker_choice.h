#pragma once

#include "mesh/bus/endpoint.h"
#include "mesh/core/error.h"

#include <functional>
#include <string>

namespace ctys::tools {

/// What decides which broker is asked; empty texts count as not given.
struct BrokerWish {
    std::string asked;       ///< --broker, CTYS_BROKER or the configuration
    std::string own_runtime; ///< this user's runtime directory
    std::string system_runtime = "/run/ctys";
};

/// The endpoint asked for, else the first socket that exists: the user's own, then the machine's.
/// Errors: Usage; Unreachable, naming the last place and the three ways out. `exists` says whether
/// there is a socket at a path.
[[nodiscard]] Result<bus::Endpoint>
choose_broker(const BrokerWish& wish, const std::function<bool(const std::string&)>& exists);

/// "No broker at ENDPOINT (WHY)", with what to try.
[[nodiscard]] Error no_broker(const std::string& endpoint, const std::string& why);

} // namespace ctys::tools
