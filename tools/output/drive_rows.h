#pragma once

#include "mesh/core/query.h"
#include "tools/output/listing.h"

namespace ctys::tools {

/// A drive with the VM that has it, as old as what is known of that.
struct DriveRow {
    std::string label;
    std::string worker;
    Duration age{};
    Drive drive;
};

/// Of its live instance. Errors: Conflict (it does not run).
[[nodiscard]] Result<std::vector<DriveRow>> drive_rows(const VmDetail& detail);
/// DRIVE TRAY LOCKED MEDIUM.
[[nodiscard]] const Listing<DriveRow>& drive_listing();
void append_drive_members(JsonWriter& out, const Drive& drive);

} // namespace ctys::tools
