#include "mesh/qemu/qemu_version.h"

#include "mesh/core/text.h"
#include "mesh/qemu/option_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys::qemu {

namespace {

constexpr std::size_t version_digits = 3;
constexpr std::uint32_t most_major = 999;
constexpr std::uint32_t first_candidate = 90; // 8.2.90 is 9.0-rc0
constexpr std::uint32_t last_minor = 2;       // X.2 is followed by (X+1).0, since 4.0

} // namespace

std::string to_string(QemuVersion version) {
    return fmt::format("{}.{}", version.major, version.minor);
}

std::optional<QemuVersion> parse_version(std::string_view text) {
    std::array<std::uint32_t, 3> numbers{};
    const auto pieces = split(text, '.');
    if (pieces.size() < 2 || pieces.size() > numbers.size()) return std::nullopt;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto number = parse_number(pieces[i]);
        if (!number || pieces[i].size() > version_digits) return std::nullopt;
        numbers[i] = static_cast<std::uint32_t>(*number);
    }
    const auto [major, minor, micro] = numbers;
    if (micro < first_candidate) return QemuVersion{major, minor};
    if (minor < last_minor) return QemuVersion{major, minor + 1};
    return QemuVersion{std::min(major + 1, most_major), 0};
}

std::optional<QemuVersion> parse_version_answer(std::string_view text) {
    constexpr std::string_view mark = " version ";
    for (const auto line : split(text, '\n')) {
        const auto at = line.find(mark);
        if (!line.starts_with("QEMU ") || at == std::string_view::npos) continue;
        const auto rest = line.substr(at + mark.size());
        return parse_version(rest.substr(0, rest.find_first_not_of("0123456789.")));
    }
    return std::nullopt;
}

} // namespace ctys::qemu
