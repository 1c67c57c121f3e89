#pragma once

#include "broker/core/leases.h"
#include "broker/core/roster.h"

namespace ctys::broker {

/// Chooses the path for a start: the asked worker, else the best by health, accelerator and load.
/// Never a worker that is settling: it may be about to tell that the VM runs.
/// Errors: NotFound (no path), Ambiguous (several workers are called so), Unreachable (only on
/// workers that are away), Conflict (none can run it; the evidence says why for each path).
[[nodiscard]] Result<PathRecord> choose_path(const VmRecord& vm,
                                             const std::vector<PathRecord>& paths,
                                             const Roster& roster,
                                             std::string_view asked_worker);

/// Workers of these paths (of the asked worker's only, if one is asked) that are settling: what
/// they are about to tell may change the choice.
[[nodiscard]] std::set<WorkerId> settling_among(const std::vector<PathRecord>& paths,
                                                const Roster& roster,
                                                std::string_view asked_worker);

/// May a start be allowed at all? Errors: Conflict, naming who holds the VM and since when.
[[nodiscard]] Status check_free(const VmRecord& vm,
                                const std::vector<InstanceRecord>& instances,
                                const Lease* lease,
                                const Roster& roster);

/// The one live instance, if there is exactly one that can be acted on. Errors: Conflict.
[[nodiscard]] Result<InstanceRecord> require_live(const VmRecord& vm,
                                                  const std::vector<InstanceRecord>& instances);

/// Nothing of the VM lives, and its last process has ended with its state on disk.
[[nodiscard]] bool is_suspended_to_disk(const std::vector<InstanceRecord>& instances);

/// Why nothing can be asked of what runs on this worker: Unreachable, in words.
[[nodiscard]] Error away(const WorkerId& worker, const Roster& roster);

/// Workers that are about to tell whether they still run the VM.
[[nodiscard]] std::set<WorkerId> settling_holders(const std::vector<InstanceRecord>& instances,
                                                  const Lease* lease,
                                                  const Roster& roster);

} // namespace ctys::broker
