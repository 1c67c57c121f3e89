#pragma once

#include "tests/support/simulation/sim_mesh.h"

namespace ctys::sim {

struct Verdict {
    std::uint64_t seed = 0;
    std::uint64_t digest = 0;
    std::uint64_t inputs = 0;
    std::uint64_t faults = 0;
    std::map<std::string, std::uint64_t> fault_kinds;
    std::uint64_t events = 0;  ///< in the journal
    std::uint64_t actions = 0; ///< accepted
    std::set<std::string> violations;
};

/// Lives one seed through: a random estate, random orders and faults for some minutes of virtual
/// time, then rest, then judgement.
[[nodiscard]] Verdict live_through(std::uint64_t seed, bool tells, Mutant mutant = Mutant::None);

/// Twice; a difference between the two is a violation of P9.
[[nodiscard]] Verdict live_twice(std::uint64_t seed, Mutant mutant = Mutant::None);

} // namespace ctys::sim
