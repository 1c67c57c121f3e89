#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctys::qemu {

/// What decides which words a QEMU understands: options come and go with its first two numbers.
struct QemuVersion {
    std::uint32_t major = 7;
    std::uint32_t minor = 2;

    auto operator<=>(const QemuVersion&) const = default;
};

/// That of Debian 12, on which command lines are tried; where nothing else is known.
constexpr QemuVersion usual_version{7, 2};
/// Command lines are made for this one and all later ones.
constexpr QemuVersion oldest_version{4, 2};

/// "7.2"
[[nodiscard]] std::string to_string(QemuVersion version);

/// "7.2" and "7.2.22", with nothing around it. A third number from 90 on is that of a candidate for
/// the next release, which it counts as. Nothing where a number has more than three digits.
[[nodiscard]] std::optional<QemuVersion> parse_version(std::string_view text);

/// What QEMU says to --version: "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)", among other
/// lines. Nothing where no line is one.
[[nodiscard]] std::optional<QemuVersion> parse_version_answer(std::string_view text);

} // namespace ctys::qemu
