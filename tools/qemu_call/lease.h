#pragma once

#include "mesh/core/id.h"

#include <cstdint>
#include <string>

namespace ctys::call {

/// What the local agent says to a start by hand.
struct LeaseAnswer {
    enum class Kind { NoAgent, Granted, Refused };

    Kind kind = Kind::NoAgent;
    ActionId action;         ///< when granted
    std::uint64_t token = 0; ///< when granted
    std::string reason;      ///< when refused: who holds it
};

/// Asks the agent of this machine for the right to run the VM of `config`.
[[nodiscard]] LeaseAnswer ask_agent_for_lease(const std::string& config, const std::string& label);

} // namespace ctys::call
