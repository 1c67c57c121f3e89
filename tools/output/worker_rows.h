#pragma once

#include "mesh/core/worker.h"
#include "tools/output/listing.h"

namespace ctys::tools {

/// NAME STATE SEEN CPUS MEM ACCEL POOLS VMS VERSION NOTE.
[[nodiscard]] const Listing<WorkerRecord>& worker_listing();

/// All about one worker, in blocks: `ctys worker show`.
void render_worker(fmt::memory_buffer& out, const WorkerRecord& worker, const View& view);
void append_worker_members(JsonWriter& out, const WorkerRecord& worker);

} // namespace ctys::tools
