#pragma once

#include "mesh/core/worker.h"
#include "tools/output/block.h"
#include "tools/output/json_writer.h"

namespace ctys::tools {

/// What a worker has to run VMs with, and the plugins of the original that this makes: lines of
/// `ctys -a info` and `ctys worker show`.
void render_equipment(Blocks& blocks, const WorkerRecord& worker);
/// The same as members of the worker's JSON object: cpu_model, cpu_flags, emulators, plugins.
void append_equipment_members(JsonWriter& out, const WorkerRecord& worker);

} // namespace ctys::tools
