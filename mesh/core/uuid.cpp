#include "mesh/core/uuid.h"

#include "mesh/core/text.h"

#include <fmt/format.h>
#include <uuid/uuid.h>

#include <algorithm>

namespace ctys {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Burnt into many boards of one kind; seen in the wild as "unique" product UUIDs.
constexpr std::array<std::string_view, 4> vendor_junk = {
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "fefefefe-fefe-fefe-fefe-fefefefefefe",
};

} // namespace

Result<Uuid> Uuid::parse(std::string_view text) {
    auto body = text;
    if (body.size() >= 2 && body.front() == '{' && body.back() == '}') {
        body = body.substr(1, body.size() - 2);
    }
    Uuid uuid;
    std::size_t digits = 0;
    for (const char c : body) {
        if (c == '-') continue;
        const int value = hex_value(c);
        if (value < 0 || digits == 32) {
            digits = 33;
            break;
        }
        auto& byte = uuid.bytes[digits / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
        ++digits;
    }
    if (digits != 32) {
        return fail(
            ErrorCode::Malformed,
            fmt::format("\"{}\" is not a UUID (32 hexadecimal digits)", printable(text, 64)));
    }
    return uuid;
}

Uuid Uuid::from_name(const Uuid& name_space, std::string_view name) {
    Uuid out;
    uuid_generate_sha1(out.bytes.data(), name_space.bytes.data(), name.data(), name.size());
    return out;
}

Uuid Uuid::from_random(std::span<const std::uint8_t, 16> random) {
    Uuid out;
    std::copy(random.begin(), random.end(), out.bytes.begin());
    out.bytes[6] = static_cast<std::uint8_t>((out.bytes[6] & 0x0f) | 0x40);
    out.bytes[8] = static_cast<std::uint8_t>((out.bytes[8] & 0x3f) | 0x80);
    return out;
}

std::string Uuid::to_string() const {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 0x0f];
    }
    return text;
}

bool Uuid::identifies() const {
    if (is_zero()) return false;
    if (std::all_of(bytes.begin(), bytes.end(), [](auto b) { return b == 0xff; })) return false;
    const auto text = to_string();
    return std::find(vendor_junk.begin(), vendor_junk.end(), text) == vendor_junk.end();
}

const Uuid& ctys_namespace() {
    static const Uuid root = Uuid::parse("6d1c9e0a-5b7f-4b57-9d3e-2f0a8c41e7b6").value();
    return root;
}

} // namespace ctys
