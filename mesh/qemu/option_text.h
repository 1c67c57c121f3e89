#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// One `key=value` of an option's argument. Bytes as given, commas unescaped.
struct Property {
    std::string key;
    std::string value;

    bool operator==(const Property&) const = default;
};
using Properties = std::vector<Property>;

/// Splits an argument as QEMU's option parser does: pairs at single commas, `,,` is a comma in a
/// value; a first piece without `=` is the value of `first_key` (if not empty); a later one is
/// `on`, or `off` under its name without a leading "no". At most 1,024 pairs, the rest is dropped.
[[nodiscard]] Properties parse_properties(std::string_view text, std::string_view first_key);

/// The same for arguments written as JSON (`{"driver": "file", "node": {"a": 1}}`): keys of inner
/// objects and list positions are joined by dots. Nothing when it is not one well-formed object;
/// at most 1,024 values and 16 levels.
[[nodiscard]] std::optional<Properties> parse_json_properties(std::string_view text);

/// Whichever of the two the text is: JSON when it starts with `{`.
[[nodiscard]] Properties parse_argument(std::string_view text, std::string_view first_key);

/// The last value of a key, as QEMU uses it; empty when absent.
[[nodiscard]] std::string_view find(const Properties& properties, std::string_view key);

/// True for the spellings of yes that QEMU accepts: on, yes, true, y.
[[nodiscard]] bool is_on(std::string_view value);

/// Doubles commas, so that `text` is one value inside an option's argument.
[[nodiscard]] std::string escape_commas(std::string_view text);

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

/// A size with an optional suffix b, k, M, G, T, P or E, and fractions ("1.5G"), in bytes; a bare
/// number counts in `unit`. Nothing when malformed or beyond 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit);

/// A decimal number with nothing around it.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

/// Six pairs of hexadecimal digits separated by ':' or '-', as lower case with colons.
[[nodiscard]] std::optional<std::string> parse_mac(std::string_view text);

} // namespace ctys::qemu
