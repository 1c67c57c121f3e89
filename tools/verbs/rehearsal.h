#pragma once

#include "mesh/core/message.h"
#include "tools/verbs/session.h"

#include <vector>

namespace ctys::tools {

/// What an order would do to a VM as it stands, in one sentence; pure.
[[nodiscard]] std::string rehearsal_of(const msg::Submit& order, const VmDetail& detail);

/// --dry-run: says of each order what would be asked of which VM on which worker, and asks nothing.
/// Errors: those of finding the VMs.
[[nodiscard]] Status rehearse(Session& session, const std::vector<msg::Submit>& orders);

} // namespace ctys::tools
