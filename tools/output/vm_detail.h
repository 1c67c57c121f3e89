#pragma once

#include "mesh/core/query.h"
#include "tools/output/json_writer.h"
#include "tools/output/view.h"

#include <string>
#include <vector>

namespace ctys::tools {

/// What the mesh knows around a VM.
struct VmSurroundings {
    std::vector<std::string> carriers; ///< workers below it, outermost first; the last runs it
    std::vector<std::string> carries;  ///< workers that are this VM
    std::vector<RecordedEvent> events; ///< its last ones, newest first
};

/// All about one VM: a headline, blocks (empty ones left out), two commands that make sense now.
/// `every_setting` adds each key of the configuration with the line it stands on.
void render_detail(fmt::memory_buffer& out,
                   const VmDetail& detail,
                   const VmSurroundings& surroundings,
                   bool every_setting,
                   const View& view);
void append_detail_json(JsonWriter& out,
                        const VmDetail& detail,
                        const VmSurroundings& surroundings);

} // namespace ctys::tools
