#pragma once

#include "mesh/core/intent.h"
#include "mesh/core/message.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Values of mesh/core as bytes and back (Cap'n Proto with its standard framing; the .capnp files
/// say what means what).
///
/// Encoding never fails, and what it makes can be decoded: text that is too long is cut at a
/// character, malformed UTF-8 and NUL become "?", lists inside records are cut and times brought
/// into range (limits.h). So one odd file name cannot poison a spool. Lists that are a message
/// (events, items, rows) are asserted to be within limits.h instead, and so is that a VmDetail has
/// one worker name and state per path.
///
/// Decoding takes any bytes, aligned or not, from anyone. Errors: Malformed, naming what is wrong;
/// Unsupported for what a newer version may have made. No exception leaves these functions.
namespace ctys::schema {

[[nodiscard]] SharedBytes encode_event(const Event& event);
/// A kind unknown here is kept as its number, and a payload unknown here is dropped with it.
/// Errors: Malformed; Unsupported for an unknown payload of a known kind.
[[nodiscard]] Result<Event> decode_event(std::span<const std::byte> bytes);

/// Events inside Publish and WatchItem are carried as they are, neither encoded nor decoded.
[[nodiscard]] std::vector<std::byte> encode(const Envelope& envelope);
/// Errors: Malformed; Unsupported for an unknown kind of body or a newer protocol version.
[[nodiscard]] Result<Envelope> decode_envelope(std::span<const std::byte> bytes);
/// The correlation of a message whose body may be unknown, for the Failure that answers it;
/// 0 when not even that can be read.
[[nodiscard]] std::uint64_t correlation_of(std::span<const std::byte> bytes);

// Records of the stores (broker, and the agent's spool for Intent). Decoding errors: Malformed.
[[nodiscard]] std::vector<std::byte> encode(const VmRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const PathRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const InstanceRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const WorkerRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const ActionRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const Lease& record);
[[nodiscard]] std::vector<std::byte> encode(const PlanRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const PlanStepRecord& record);
[[nodiscard]] std::vector<std::byte> encode(const Intent& record);

[[nodiscard]] Result<VmRecord> decode_vm(std::span<const std::byte> bytes);
[[nodiscard]] Result<PathRecord> decode_path(std::span<const std::byte> bytes);
[[nodiscard]] Result<InstanceRecord> decode_instance(std::span<const std::byte> bytes);
[[nodiscard]] Result<WorkerRecord> decode_worker(std::span<const std::byte> bytes);
[[nodiscard]] Result<ActionRecord> decode_action(std::span<const std::byte> bytes);
[[nodiscard]] Result<Lease> decode_lease(std::span<const std::byte> bytes);
[[nodiscard]] Result<PlanRecord> decode_plan(std::span<const std::byte> bytes);
[[nodiscard]] Result<PlanStepRecord> decode_plan_step(std::span<const std::byte> bytes);
[[nodiscard]] Result<Intent> decode_intent(std::span<const std::byte> bytes);

} // namespace ctys::schema
