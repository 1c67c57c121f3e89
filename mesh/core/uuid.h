#pragma once

#include "mesh/core/error.h"

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ctys {

/// 128 bits as of RFC 4122. The text form is lower case with hyphens.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    /// Accepts either case, with or without hyphens and braces. Errors: Malformed.
    [[nodiscard]] static Result<Uuid> parse(std::string_view text);
    /// Version 5: SHA-1 of a namespace and a name (RFC 4122, 4.3).
    [[nodiscard]] static Uuid from_name(const Uuid& name_space, std::string_view name);
    /// Version 4 layout over 16 given random bytes.
    [[nodiscard]] static Uuid from_random(std::span<const std::uint8_t, 16> random);

    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] bool is_zero() const { return *this == Uuid{}; }
    /// False for zero, all ones, and values that known vendors burn into every board: such a UUID
    /// identifies nothing (DESIGN: Identity).
    [[nodiscard]] bool identifies() const;

    auto operator<=>(const Uuid&) const = default;
};

/// Root of all names derived by this project (a fixed random UUID).
[[nodiscard]] const Uuid& ctys_namespace();

} // namespace ctys
