#pragma once

#include "broker/core/leases.h"
#include "broker/core/roster.h"

namespace ctys::broker {

/// How a VM looks in `ctys list`: its live instance, else the last one that ended.
[[nodiscard]] VmRow make_row(const VmRecord& vm,
                             const std::vector<PathRecord>& paths,
                             const std::vector<InstanceRecord>& instances,
                             const Roster& roster,
                             Now now);

/// `list` shows what runs or has a live configuration; `--all` also what ended, vanished, is
/// ignored.
[[nodiscard]] bool is_listed(const VmRow& row, bool all);

/// Fields a list can be filtered by. Errors: Usage, listing them.
[[nodiscard]] Status check_row_filters(const std::vector<Filter>& filters);
[[nodiscard]] bool accepts(const std::vector<Filter>& filters, const VmRow& row);

[[nodiscard]] VmDetail make_detail(const VmRecord& vm,
                                   std::vector<PathRecord> paths,
                                   std::vector<InstanceRecord> instances,
                                   const Lease* lease,
                                   const Roster& roster,
                                   Now now);

} // namespace ctys::broker
