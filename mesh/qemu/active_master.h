#pragma once

#include "mesh/qemu/configuration.h"

#include <span>

namespace ctys::qemu {

/// A configuration beside another one.
struct Variant {
    std::string file; ///< its name
    Configuration configuration;
};

/// Does it say of itself that it is the one that holds (S-074)? MAGICID-QEMU, neither ignored nor
/// kept out of the list, and no VMSTATE but ACTIVE.
[[nodiscard]] bool is_active_master(const Configuration& configuration);

/// The names of those that say so of the same VM: its UUID, or its label where one has none. Of
/// several variants exactly one is the master; none where this one is not a master itself.
[[nodiscard]] std::vector<std::string> other_masters(const Configuration& configuration,
                                                     std::span<const Variant> beside);

} // namespace ctys::qemu
