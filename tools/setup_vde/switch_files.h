#pragma once

#include "tools/setup_vde/observed.h"

#include <string>
#include <vector>

namespace ctys::vde {

/// What is at the two places of a switch of that user, by looking, connecting and asking, with the
/// rights of the user.
[[nodiscard]] Switch look_at_switch(const qemu::VdePaths& paths, const Account& account);

/// Takes away the sockets and the folder of a dead switch, with the rights of the user, and nothing
/// else. Errors: Conflict (somebody listens, or something else is in the folder), Failed.
[[nodiscard]] Status remove_switch_files(const qemu::VdePaths& paths, const Account& account);

/// Names of the sockets in the folder of a switch, sorted; empty where it may not be read.
[[nodiscard]] std::vector<std::string> sockets_of_switch(const std::string& data);

} // namespace ctys::vde
