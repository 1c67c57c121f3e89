#pragma once

#include "mesh/core/query.h"
#include "tools/output/json_writer.h"
#include "tools/output/view.h"

#include <vector>

namespace ctys::tools {

/// "Is everything well", on one screen: one verdict, then what it rests on.
void render_status(fmt::memory_buffer& out,
                   const StatusRow& status,
                   const std::vector<WorkerRecord>& workers,
                   const View& view);
void append_status_json(JsonWriter& out, const StatusRow& status);

} // namespace ctys::tools
