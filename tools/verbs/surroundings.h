#pragma once

#include "tools/output/vm_detail.h"
#include "tools/verbs/session.h"

namespace ctys::tools {

/// Asks the broker for what stands around a VM: the workers, by which carriers are known, and its
/// last events, looked for in the last hour, the last day, then the whole journal, for a second
/// together; what is not found by then is left out. Errors: those of the broker.
[[nodiscard]] Result<VmSurroundings> surroundings_of(Session& session, const VmDetail& detail);

} // namespace ctys::tools
