#pragma once

#include "agent/discovery/process_facts.h"
#include "mesh/core/event.h"
#include "mesh/qemu/command_line.h"
#include "mesh/qemu/owner_handle.h"

#include <functional>
#include <string>
#include <vector>

namespace ctys::agent {

/// What a QEMU process that we did not start is, as far as its command line tells.
struct ForeignProcess {
    InstanceRecord record;
    std::string monitor;  ///< path of a QMP socket that it listens at and that we may try; or empty
    std::string instance; ///< folder of an instance that another agent of this mesh started
    qemu::OwnerHandle handle;
};

/// Finds a known configuration by its absolute path; nullptr when there is none.
using FindConfig = std::function<const PathFacts*(const std::string& config)>;

/// True for a QEMU that runs no VM: one of a survey, or one that prints what it can do and ends.
[[nodiscard]] bool is_no_vm(const std::vector<std::string>& argv);

/// The VM of a foreign process: its -uuid, else the configuration that the three naming conventions
/// lead to (CTYS-REFERENCE 1.7), else an identity of its own. `runtime` is the folder below which
/// agents of this mesh keep their instances.
[[nodiscard]] ForeignProcess describe_foreign(const ProcessFacts& facts,
                                              std::string_view runtime,
                                              const FindConfig& find_config);

/// Adds what the folder of another agent's instance says of it, where that may be read. Before its
/// agent has let it run it only stands there, and is not told as running.
void take_kept(InstanceRecord& record, const std::optional<InstanceRecord>& kept);

/// One JSON object per line with the fields of `ctys list -o jsonl`; for `ctys list --local`.
[[nodiscard]] std::string to_json_line(const InstanceRecord& record, std::string_view host);

} // namespace ctys::agent
