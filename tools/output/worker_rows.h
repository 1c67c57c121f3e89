#pragma once

#include "mesh/core/worker.h"
#include "tools/output/listing.h"

namespace ctys::tools {

/// NAME STATE SEEN CPUS MEM ACCEL POOLS VMS VERSION NOTE.
[[nodiscard]] const Listing<WorkerRecord>& worker_listing();

/// All about one worker, in blocks: `ctys worker show`.
void render_worker(fmt::memory_buffer& out, const WorkerRecord& worker, const View& view);
/// "lab02 is lost": of one that is not alive.
[[nodiscard]] std::string worker_trouble(const WorkerRecord& worker);
/// Of one whose machine goes down.
[[nodiscard]] std::string host_stop_text(const WorkerRecord& worker);
void append_worker_members(JsonWriter& out, const WorkerRecord& worker);

} // namespace ctys::tools
