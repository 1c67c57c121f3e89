#pragma once

#include "mesh/core/message.h"
#include "tools/verbs/session.h"

#include <vector>

namespace ctys::tools {

/// What an order would do to a VM as it stands, in one sentence; pure. `place` is the worker that
/// an order for what runs names, null where it names none.
[[nodiscard]] std::string
rehearsal_of(const msg::Submit& order, const VmDetail& detail, const WorkerRecord* place = nullptr);

/// The VM an order means as the inventory stands: where it names a worker and is no start, the one
/// that runs there, if that is one. Errors: those of Session::vm_at.
[[nodiscard]] Result<VmDetail> vm_meant_by(Session& session, const msg::Submit& order);

/// --dry-run: says of each order what would be asked of which VM on which worker, and asks nothing.
/// Errors: those of finding the VMs.
[[nodiscard]] Status rehearse(Session& session, const std::vector<msg::Submit>& orders);

} // namespace ctys::tools
