#pragma once

#include "agent/scanner/scan_result.h"

#include <cstdint>
#include <string_view>

namespace ctys::agent {

/// Everything of a found file that would make its records differ, in one number.
[[nodiscard]] std::uint64_t fingerprint_of(const FoundFile& file);

/// The records of a configuration. A text that cannot be read gives a record with what the file's
/// name tells, not runnable, and a warning.
[[nodiscard]] FoundVm
read_finding(const FoundFile& file, std::string_view pool_root, const WorkerId& worker);

} // namespace ctys::agent
