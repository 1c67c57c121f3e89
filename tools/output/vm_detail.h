#pragma once

#include "mesh/core/query.h"
#include "tools/output/json_writer.h"
#include "tools/output/view.h"

namespace ctys::tools {

/// All about one VM: a headline, blocks (empty ones left out), two commands that make sense now.
/// `every_setting` adds each key of the configuration with the line it stands on.
void render_detail(fmt::memory_buffer& out,
                   const VmDetail& detail,
                   bool every_setting,
                   const View& view);
void append_detail_json(JsonWriter& out, const VmDetail& detail);

} // namespace ctys::tools
