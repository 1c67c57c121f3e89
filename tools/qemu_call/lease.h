#pragma once

#include "mesh/core/id.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace ctys::call {

/// What the local agent says to a start by hand.
struct LeaseAnswer {
    enum class Kind {
        NoAgent, ///< none answers here, or none knows the VM
        Alone,   ///< the agent has no broker to ask, but nobody else could run the VM
        Granted,
        Refused,
    };

    Kind kind = Kind::NoAgent;
    ActionId action;         ///< when granted
    std::uint64_t token = 0; ///< when granted
    std::string reason;      ///< when not: who holds it, or why nobody could be asked

    bool operator==(const LeaseAnswer&) const = default;
};

/// Reads the line of ctys-ask-lease; anything unexpected is as good as no agent. Pure.
[[nodiscard]] LeaseAnswer read_lease_answer(std::string_view line);

/// Asks the agent of this machine for the right to run the VM of `config`, by the program `asker`;
/// the right ends with this process, or with the QEMU it starts. Waits at most 20 s.
[[nodiscard]] LeaseAnswer
ask_agent_for_lease(const std::string& asker, const std::string& config, const std::string& label);

} // namespace ctys::call
