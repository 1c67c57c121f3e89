#pragma once

#include "mesh/core/worker.h"
#include "mesh/loop/id_source.h"

#include <string>

namespace ctys::agent {

/// What the kernel says of this machine: host name, architecture, processors, memory.
void describe_machine(WorkerRecord& worker);

/// Who this worker is (DESIGN: Identity): derived from the platform UUID (DMI, or
/// /etc/ctys.d/vm.conf) and the name where that UUID is known and sane; else random and kept in
/// `<state>/worker` with the machine-id, so that a copied state directory gets a new identity. Also
/// fills what the machine says of itself. Errors: Storage, Malformed (the kept identity cannot be
/// read).
[[nodiscard]] Result<WorkerRecord>
identify_worker(const std::string& name,
                const std::string& state,
                loop::IdSource& ids,
                const std::string& vm_conf = "/etc/ctys.d/vm.conf");

} // namespace ctys::agent
