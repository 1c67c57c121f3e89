#include "mesh/loop/id_source.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/random.h>
#include <system_error>

namespace ctys::loop {

void random_bytes(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const auto got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::uint64_t IdSource::next_u64() {
    std::array<std::uint8_t, 8> bytes{};
    std::uint64_t value = 0;
    while (value == 0) {
        fill(bytes);
        std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
}

Uuid IdSource::next_uuid() {
    std::array<std::uint8_t, 16> bytes{};
    fill(bytes);
    return Uuid::from_random(bytes);
}

} // namespace ctys::loop
