#pragma once

#include "mesh/core/id.h"
#include "mesh/core/time.h"
#include "schema/limits.h"
#include "schema/text_check.h"

#include <capnp/blob.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

namespace ctys::schema {

/// `clean` is called with the text itself, or with a mended copy.
template <typename Use>
void with_clean(const std::string& text, std::size_t limit, const Use& use) {
    if (is_clean(text, limit)) {
        use(capnp::Text::Reader{text.c_str(), text.size()});
    } else {
        const auto copy = mended(text, limit);
        use(capnp::Text::Reader{copy.c_str(), copy.size()});
    }
}

/// `Set` is the setter of the field. Empty text stays absent: no pointer target is made.
template <auto Set, typename To>
void put_text(To& to, const std::string& text, std::size_t limit) {
    if (text.empty()) return;
    with_clean(text, limit, [&](capnp::Text::Reader clean) { (to.*Set)(clean); });
}

/// `Init` is the initialiser of the list field; `put_one` writes a value into its element.
template <auto Init, typename To, typename T, typename PutOne>
void put_list(To& to, const std::vector<T>& values, std::size_t limit, const PutOne& put_one) {
    const auto size = std::min(values.size(), limit);
    if (size == 0) return;
    auto list = (to.*Init)(static_cast<unsigned>(size));
    for (unsigned i = 0; i < size; ++i) {
        put_one(list[i], values[i]);
    }
}

template <auto Init, typename To>
void put_texts(To& to,
               const std::vector<std::string>& texts,
               std::size_t limit,
               std::size_t text_limit) {
    const auto size = std::min(texts.size(), limit);
    if (size == 0) return;
    auto list = (to.*Init)(static_cast<unsigned>(size));
    for (unsigned i = 0; i < size; ++i) {
        with_clean(texts[i], text_limit, [&](capnp::Text::Reader clean) { list.set(i, clean); });
    }
}

template <typename Group>
void put_uuid(Group to, const Uuid& uuid) {
    std::uint64_t halves[2] = {};
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        halves[i / 8] = (halves[i / 8] << 8) | uuid.bytes[i];
    }
    to.setHi(halves[0]);
    to.setLo(halves[1]);
}

template <typename Group>
void put_cursor(Group to, const Cursor& cursor) {
    to.setEpoch(cursor.epoch);
    to.setSequence(cursor.sequence);
}

template <typename Enum>
[[nodiscard]] constexpr std::uint16_t wire_value(Enum value) {
    static_assert(std::is_same_v<std::underlying_type_t<Enum>, std::uint16_t>);
    return static_cast<std::uint16_t>(value);
}

[[nodiscard]] inline std::int64_t wire_value(Duration span) {
    return std::clamp(span, Duration{}, limits::span).count();
}

[[nodiscard]] inline std::int64_t wire_value(WallTime at) {
    return std::clamp(at, WallTime{}, limits::wall).us;
}

} // namespace ctys::schema
