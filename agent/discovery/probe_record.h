#pragma once

#include "mesh/core/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// Bounds of one record, kept by the probe and checked by the agent. A process may have 2 MiB of
/// arguments and a million descriptors; QEMU needs a few kB and some hundred.
constexpr std::size_t max_probe_field_bytes = 256UL * 1024;
constexpr std::size_t max_probe_fields = 1024;

/// What ctys-probe prints about one process: named fields of arbitrary bytes, names may repeat.
struct ProbeRecord {
    struct Field {
        std::string name;
        std::string value;

        bool operator==(const Field&) const = default;
    };
    std::vector<Field> fields;

    void add(std::string_view name, std::string_view value);
    [[nodiscard]] std::string_view first(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
    /// The first value as a decimal number; 0 if it is none.
    [[nodiscard]] std::uint64_t number(std::string_view name) const;

    bool operator==(const ProbeRecord&) const = default;
};

/// "NAME LENGTH:BYTES\n" per field, then ".\n".
[[nodiscard]] std::string encode_probe_record(const ProbeRecord& record);

/// Whole records from the start of `bytes`; one that is cut off or malformed ends the list, since
/// a probe may be killed in the middle of one.
[[nodiscard]] std::vector<ProbeRecord> decode_probe_records(std::string_view bytes);

} // namespace ctys::agent
