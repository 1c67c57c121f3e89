#include "schema/reading.h"

#include "mesh/core/text.h"

namespace ctys::schema {

Duration Reading::span(std::string_view what, std::int64_t us) {
    const Duration value{us};
    if (value >= Duration{} && value <= limits::span) return value;
    reject(ErrorCode::Malformed, fmt::format("{} is not a span of time: {} us", what, us));
    return {};
}

WallTime Reading::wall(std::string_view what, std::int64_t us) {
    const WallTime value{us};
    if (value >= WallTime{} && value <= limits::wall) return value;
    reject(ErrorCode::Malformed, fmt::format("{} is not a point in time: {} us", what, us));
    return {};
}

std::uint8_t Reading::run_level(std::uint8_t value) {
    constexpr std::uint8_t last = 6;
    if (value <= last) return value;
    reject(ErrorCode::Malformed, fmt::format("there is no run level {}", value));
    return 0;
}

void Reading::reject(ErrorCode code, std::string message) {
    if (!failure_) failure_ = Error{.code = code, .message = std::move(message)};
}

void Reading::reject_text(std::string_view what, std::string_view text, std::size_t limit) {
    const auto status = check_text(what, text, limit);
    if (!status) reject(status.error().code, status.error().message);
}

void Reading::reject_choice(std::string_view what, std::uint16_t value) {
    reject(ErrorCode::Malformed, fmt::format("{} has the unknown value {}", what, value));
}

void Reading::reject_list(std::string_view what, std::size_t size, std::size_t limit) {
    reject(ErrorCode::Malformed,
           fmt::format("{} has {} elements, at most {} are allowed", what, size, limit));
}

} // namespace ctys::schema
