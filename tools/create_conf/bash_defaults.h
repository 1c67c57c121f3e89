#pragma once

#include "mesh/qemu/configuration.h"

#include <string>
#include <vector>

namespace ctys::conf {

/// Configurations and defaults files of the original are full of NAME="${NAME:-$OTHER/default}".
/// Puts the default of each in the place of what only bash could tell, as further settings, and
/// returns the assignments that stay unknown. Nothing is executed. `folder` is CTYSWRAPPERPATH.
std::vector<Setting> put_in_defaults(qemu::Configuration& configuration, const std::string& folder);

} // namespace ctys::conf
