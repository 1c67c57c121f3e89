#pragma once

#include "mesh/core/address.h"
#include "mesh/core/query.h"

#include <vector>

namespace ctys {

/// Fields of a row of VMs: label, vm (label or id), worker (name or id), worker_state, state,
/// owner, managed, accelerator, arch.
[[nodiscard]] const FilterFields& row_filter_fields();
/// Errors: Usage, listing the fields, or the words of the field.
[[nodiscard]] Status check_row_filters(const std::vector<Filter>& filters);
[[nodiscard]] bool accepts(const std::vector<Filter>& filters, const VmRow& row);

/// The same match as of a VmRecord, for who has nothing but the row: of several MACs, addresses or
/// paths it shows one, and its worker is where the VM runs.
[[nodiscard]] bool matches(const Address& address, const VmRow& row);

} // namespace ctys
