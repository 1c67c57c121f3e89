#pragma once

#include "mesh/core/query.h"
#include "tools/legacy/request.h"

#include <fmt/format.h>

#include <vector>

namespace ctys::tools::legacy {

/// TAB_TCP: the original's default table of list and enumerate.
void render_tab_tcp(fmt::memory_buffer& out, const std::vector<VmRow>& rows);

/// MACHINE: the 22 LIST fields in the original's order, separated by ';' (a ';' within a field
/// becomes a blank, as it would break the record).
void render_machine(fmt::memory_buffer& out, const std::vector<VmRow>& rows, bool title);

} // namespace ctys::tools::legacy
