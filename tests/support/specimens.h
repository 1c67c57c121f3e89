#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace ctys::samples {

/// A sample with its bytes and its decoder, whatever its type: for tests that hold for all.
struct Specimen {
    std::string name; ///< "envelope_ping", "record_vm", "event_worker": also its file's name
    std::vector<std::byte> bytes; ///< as encoded now
    /// These bytes decode to the sample.
    std::function<bool(std::span<const std::byte>)> is_decoded_from;
    /// These bytes decode to something.
    std::function<bool(std::span<const std::byte>)> can_decode;
};

/// Every message, every record, and an event for each payload.
[[nodiscard]] std::vector<Specimen> specimens();

} // namespace ctys::samples
