#pragma once

#include "mesh/core/error.h"
#include "mesh/core/id.h"
#include "mesh/core/time.h"
#include "schema/limits.h"
#include "schema/text_check.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ctys::schema {

/// Takes fields out of one message and remembers the first that is wrong; a wrong field gives an
/// empty value, so that taking apart a message needs no branch per field. Whoever began the
/// reading asks for `failure` at the end, and drops the value if there is one.
class Reading {
public:
    template <typename Text>
    [[nodiscard]] std::string text(std::string_view what, const Text& from, std::size_t limit) {
        const std::string_view view{from.begin(), from.size()};
        if (is_clean(view, limit)) return std::string{view};
        reject_text(what, view, limit);
        return {};
    }

    template <typename Enum>
    [[nodiscard]] Enum choice(std::string_view what, std::uint16_t value, Enum first, Enum last) {
        if (value >= static_cast<std::uint16_t>(first) &&
            value <= static_cast<std::uint16_t>(last)) {
            return static_cast<Enum>(value);
        }
        reject_choice(what, value);
        return first;
    }

    [[nodiscard]] Duration span(std::string_view what, std::int64_t us);
    [[nodiscard]] WallTime wall(std::string_view what, std::int64_t us);
    [[nodiscard]] std::uint8_t run_level(std::uint8_t value); ///< 0 to 6

    /// `take` makes a value of an element.
    template <typename List, typename Take>
    [[nodiscard]] auto
    list(std::string_view what, const List& from, std::size_t limit, const Take& take) {
        std::vector<decltype(take(from[0]))> out;
        if (from.size() > limit) {
            reject_list(what, from.size(), limit);
            return out;
        }
        out.reserve(from.size());
        for (auto element : from) {
            if (failure_) break;
            out.push_back(take(element));
        }
        return out;
    }

    template <typename List>
    [[nodiscard]] std::vector<std::string>
    texts(std::string_view what, const List& from, std::size_t limit, std::size_t text_limit) {
        return list(
            what, from, limit, [&](const auto& each) { return text(what, each, text_limit); });
    }

    /// Keeps the first.
    void reject(ErrorCode code, std::string message);
    [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

private:
    void reject_text(std::string_view what, std::string_view text, std::size_t limit);
    void reject_choice(std::string_view what, std::uint16_t value);
    void reject_list(std::string_view what, std::size_t size, std::size_t limit);

    std::optional<Error> failure_;
};

/// A UUID from a group of two big-endian halves.
template <typename Group>
[[nodiscard]] Uuid take_uuid(const Group& from) {
    Uuid uuid;
    const std::uint64_t halves[] = {from.getHi(), from.getLo()};
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        uuid.bytes[i] = static_cast<std::uint8_t>(halves[i / 8] >> (56 - 8 * (i % 8)));
    }
    return uuid;
}

template <typename Group>
[[nodiscard]] Cursor take_cursor(const Group& from) {
    return {.epoch = from.getEpoch(), .sequence = from.getSequence()};
}

} // namespace ctys::schema
