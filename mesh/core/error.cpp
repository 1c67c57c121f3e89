#include "mesh/core/error.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace ctys {

namespace {

constexpr std::array table = {
    ErrorTraits{ErrorCode::Failed, "failed", "it failed", 1, false},
    ErrorTraits{ErrorCode::Usage, "usage", "the request is wrong in itself", 2, false},
    ErrorTraits{ErrorCode::NotFound, "not-found", "nothing matches", 3, false},
    ErrorTraits{ErrorCode::Ambiguous, "ambiguous", "more than one matches", 4, false},
    ErrorTraits{ErrorCode::Conflict, "conflict", "the present state forbids it", 5, false},
    ErrorTraits{
        ErrorCode::Unreachable, "unreachable", "no answer from the worker or broker", 6, true},
    ErrorTraits{ErrorCode::Expired, "expired", "the action came too late", 6, true},
    ErrorTraits{ErrorCode::Degraded, "degraded", "the broker cannot record anything", 6, true},
    ErrorTraits{ErrorCode::Overloaded, "overloaded", "a limit is reached", 6, true},
    ErrorTraits{ErrorCode::Refused, "refused", "not permitted", 7, false},
    ErrorTraits{ErrorCode::Partial, "partial", "done for some of the targets", 8, false},
    ErrorTraits{ErrorCode::TimedOut, "timed-out", "not done within the given time", 124, true},
    ErrorTraits{ErrorCode::Stuck, "stuck", "the process survives SIGKILL", 1, false},
    ErrorTraits{
        ErrorCode::Indeterminate, "indeterminate", "it may or may not have happened", 1, false},
    ErrorTraits{ErrorCode::Cancelled, "cancelled", "withdrawn", 1, false},
    ErrorTraits{ErrorCode::Malformed, "malformed", "it cannot be decoded", 1, false},
    ErrorTraits{ErrorCode::Unsupported, "unsupported", "not available here", 1, false},
    ErrorTraits{ErrorCode::Storage, "storage", "the store cannot be used", 1, false},
    // As a shell reports a death by SIGINT.
    ErrorTraits{ErrorCode::Interrupted, "interrupted", "left by Ctrl-C, goes on", 130, true},
};

} // namespace

std::span<const ErrorTraits> error_table() {
    return table;
}

const ErrorTraits& traits(ErrorCode code) {
    const auto index = static_cast<std::size_t>(code) - 1;
    CTYS_ASSERT(index < table.size());
    return table[index];
}

std::string_view to_string(ErrorCode code) {
    return traits(code).name;
}

std::optional<ErrorCode> error_code_from_wire(std::uint16_t value) {
    if (value == 0 || value > table.size()) return std::nullopt;
    return static_cast<ErrorCode>(value);
}

tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::unexpected(Error{.code = code, .message = std::move(message)});
}

tl::unexpected<Error>
fail(ErrorCode code, std::string message, std::string try_next, std::vector<std::string> evidence) {
    return tl::unexpected(Error{.code = code,
                                .message = std::move(message),
                                .evidence = std::move(evidence),
                                .try_next = std::move(try_next)});
}

Error within(std::string_view what, Error error) {
    error.message = fmt::format("{}: {}", what, error.message);
    return error;
}

tl::unexpected<Error> wrap(std::string_view what, Error error) {
    return tl::unexpected(within(what, std::move(error)));
}

Fault::Fault(Error error) : std::runtime_error(error.message), error_(std::move(error)) {}

void assertion_failed(const char* expression, const char* file, int line) {
    fmt::print(stderr, "ctys: broken invariant: {} ({}:{})\n", expression, file, line);
    std::abort();
}

} // namespace ctys
