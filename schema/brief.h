#pragma once

#include "mesh/core/vm.h"

#include <cstddef>
#include <span>

/// Stored records, decoded only as far as lists and look-ups need them: most of a record's time
/// and memory is in texts that they never show. Errors as in codec.h.
namespace ctys::schema {

/// Without `home` and `settings`.
[[nodiscard]] Result<VmRecord> decode_vm_brief(std::span<const std::byte> bytes);
/// Only `vm`, `worker`, `config`, `health`, `runnable` and `why_not`.
[[nodiscard]] Result<PathRecord> decode_path_brief(std::span<const std::byte> bytes);

} // namespace ctys::schema
