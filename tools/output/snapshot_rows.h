#pragma once

#include "mesh/core/query.h"
#include "tools/output/listing.h"

namespace ctys::tools {

/// A snapshot with the VM that has it, as old as what is known of that.
struct SnapshotRow {
    std::string label;
    std::string worker;
    Duration age{};
    Snapshot snapshot;
};

/// Of its live instance. Errors: Conflict (it does not run).
[[nodiscard]] Result<std::vector<SnapshotRow>> snapshot_rows(const VmDetail& detail);
/// NAME SAVED STATE NOTE.
[[nodiscard]] const Listing<SnapshotRow>& snapshot_listing();
void append_snapshot_members(JsonWriter& out, const Snapshot& snapshot);

} // namespace ctys::tools
