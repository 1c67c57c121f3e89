#pragma once

#include "mesh/core/time.h"

#include <cstddef>
#include <cstdint>

/// Bounds of everything that is decoded. What is larger is Malformed; what is encoded is cut to
/// them (codec.h), except the lists of whole messages, where more is a bug of the caller.
namespace ctys::schema::limits {

/// A whole message: the frame limit of the mesh socket.
constexpr std::size_t message_bytes = 4U << 20;
/// An encoded event. The limits below keep every event under it: its largest part is a WorkerRecord
/// with all its pools and emulators, 256 * (4096 + 1024 + 256) + 64 * (512 + 2 * 2560 + ...) bytes.
constexpr std::size_t event_bytes = 5U << 19;
/// Segments of a message. Ours have a handful; the table is read before anything is allocated.
constexpr std::uint32_t segments = 64;
/// Words a reader may look at, as a multiple of the message: twice what honest reading takes.
constexpr std::size_t traversal_factor = 4;
/// Pointers below one another. The deepest value, a row with an action with an error with lines of
/// evidence, needs 9.
constexpr int nesting = 16;

// Texts, in bytes of UTF-8.
constexpr std::size_t label = 63;
constexpr std::size_t key = 64;
constexpr std::size_t short_text = 256;
constexpr std::size_t sentence = 1024;
constexpr std::size_t path = 4096; ///< PATH_MAX
constexpr std::size_t long_text = 64U << 10;

// Lists inside a record: an encoder cuts what is beyond.
constexpr std::size_t settings = 400;
constexpr std::size_t addresses = 64;   ///< MACs or IPs of one VM
constexpr std::size_t start_after = 64; ///< labels that a VM waits for
constexpr std::size_t start_options = 16;
constexpr std::size_t facts = 32;
constexpr std::size_t evidence = 256; ///< lines of an error, e.g. candidates
constexpr std::size_t pools = 256;
constexpr std::size_t accelerators = 16;
constexpr std::size_t binaries = 64;
constexpr std::size_t emulators = 64; ///< two builds of all that Debian has
constexpr std::size_t emulator_path = 512;
constexpr std::size_t names = 2560; ///< machine types, CPU models or flags together, in bytes
constexpr std::size_t requisites = 32;
constexpr std::size_t remarks = 64; ///< blind spots, warnings
constexpr std::size_t filters = 64;
constexpr std::size_t filter_values = 256;
constexpr std::size_t draining = 256;
constexpr std::size_t drives = 64;       ///< with media that can be changed
constexpr std::size_t snapshots = 256;   ///< of one VM
constexpr std::size_t inside = 64;       ///< workers on the machine that a VM is
constexpr std::size_t steps = 64U << 10; ///< of a plan; more than its step may wait for
constexpr std::size_t paths = 4096;      ///< of one VM: as many workers may share its pool
constexpr std::size_t instances = 1024;

// Lists that are a message: whoever fills them starts a new message in time.
constexpr std::size_t events = 16384; ///< of a Publish
constexpr std::size_t items = 16384;  ///< of a WatchEvents
constexpr std::size_t rows = 4096;    ///< of a Rows

/// Spans: 0 to 1000 years, so that adding a few never overflows.
constexpr Duration span = std::chrono::hours{24 * 365 * 1000};
/// Points in time: 1970 to the end of 9999, what RFC 3339 can show.
constexpr WallTime wall{253'402'300'799'999'999};

} // namespace ctys::schema::limits
