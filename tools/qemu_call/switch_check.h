#pragma once

#include "tools/qemu_call/request.h"

#include <string>
#include <vector>

namespace ctys::call {

/// What keeps a VM from being attached to the switch of `request` (S-254); nothing where it is on
/// no switch. Whoever listens there is not asked for more than a connection.
[[nodiscard]] std::vector<Problem> check_switch(const Request& request);

/// Name of the account this process acts as, else its number.
[[nodiscard]] std::string own_user();

} // namespace ctys::call
