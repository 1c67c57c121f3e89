#pragma once

#include "mesh/core/id.h"

#include <cstdint>
#include <span>

namespace ctys::loop {

/// Fills with bytes of the kernel's generator. Throws std::system_error where there is none.
void random_bytes(std::span<std::uint8_t> out);

/// Where new names come from; a core gets values, never this.
class IdSource {
public:
    virtual ~IdSource() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;

    /// Never 0, which stands for "none".
    [[nodiscard]] std::uint64_t next_u64();
    [[nodiscard]] Uuid next_uuid();
};

class SystemIdSource final : public IdSource {
public:
    void fill(std::span<std::uint8_t> out) override { random_bytes(out); }
};

} // namespace ctys::loop
