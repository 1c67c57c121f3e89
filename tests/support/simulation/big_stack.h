#pragma once

#include "mesh/core/time.h"

#include <cstdint>
#include <set>
#include <string>

namespace ctys::sim {

/// What the shutdown of a large stack took, in virtual time.
struct StackFigures {
    std::size_t vms = 0;
    std::size_t workers = 0;
    std::size_t ended = 0; ///< VMs
    Duration wall{};       ///< from the order until the plan's end is durable
    /// The most that VMs which carry each other needed one after the other, each from its power
    /// button to its exit.
    Duration longest{};
    std::set<std::string> violations;
};

/// A host with at least so many VMs in four levels, as many in each VM, that obey in 0.5 to 3 s:
/// all run, then one order ends them.
[[nodiscard]] StackFigures end_big_stack(std::size_t vms, std::uint64_t seed);

} // namespace ctys::sim
