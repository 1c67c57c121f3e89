#pragma once

#include "mesh/core/query.h"
#include "mesh/core/stack.h"
#include "tools/output/json_writer.h"
#include "tools/output/view.h"

#include <map>
#include <vector>

namespace ctys::tools {

/// The stacks of a mesh with what a list knows of each VM.
struct StackPicture {
    StackGraph graph;
    std::map<VmId, VmRow> rows;
};
[[nodiscard]] StackPicture picture_of(std::vector<VmRow> rows,
                                      const std::vector<WorkerRecord>& workers);

/// What is shown: everything, one worker, or one VM, each with all inside.
struct StackRoot {
    WorkerId worker; ///< none: see vm
    VmId vm;         ///< both none: everything
};

/// A line for each worker and VM, indented below what carries it, then carriers that do not run
/// with the machines that are known to be inside, then the problems.
void render_stack(fmt::memory_buffer& out,
                  const StackPicture& picture,
                  const StackRoot& root,
                  const View& view);
/// Nested: workers with vms with workers; "resting" (carriers that do not run) and "problems"
/// beside them.
void append_stack_json(JsonWriter& out, const StackPicture& picture, const StackRoot& root);
/// For Graphviz: an edge from each carrier to what it carries.
void render_stack_dot(fmt::memory_buffer& out, const StackPicture& picture, const StackRoot& root);

} // namespace ctys::tools
