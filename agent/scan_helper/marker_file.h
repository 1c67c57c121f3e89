#pragma once

#include "agent/scanner/helper_protocol.h"

#include <optional>

namespace ctys::agent {

/// The marker in an open directory; nothing where there is none. Errors: Malformed, Refused,
/// Failed.
[[nodiscard]] Result<std::optional<MarkerFacts>> read_marker_at(int directory);

/// Writes a marker with a new id unless there is one. Whoever is first wins, on network file
/// systems too, and nobody ever reads half a marker. Errors: Refused (read-only, not permitted),
/// Failed.
[[nodiscard]] Status create_marker_at(int directory);

/// One step of the proof that two workers see one storage, in the directory that holds the marker.
/// The value says whether the nonce was there. Errors: as create_marker_at.
[[nodiscard]] Result<bool> prove_at(int directory, const Prove& proof);

} // namespace ctys::agent
