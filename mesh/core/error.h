#pragma once

#include "mesh/core/assert.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

/// Why something that was asked for did not happen. The wire value of a code never changes; the
/// table in error.cpp gives each its name, sentence, exit status and whether asking again may help.
enum class ErrorCode : std::uint16_t {
    Failed = 1,      ///< tried and failed; the message holds the cause in the words of its source
    Usage = 2,       ///< the command line or a request is wrong in itself
    NotFound = 3,    ///< nothing matches the address
    Ambiguous = 4,   ///< more than one matches; the evidence lists the candidates
    Conflict = 5,    ///< exists, is held, or is in a state that forbids it
    Unreachable = 6, ///< the worker or the broker does not answer
    Expired = 7,     ///< the action came too late to be executed
    Degraded = 8,    ///< the broker cannot make anything durable at present
    Overloaded = 9,  ///< a bound of P8 is reached; nothing was done
    Refused = 10,    ///< the principal may not do this
    Partial = 11,    ///< done for some of several targets
    TimedOut = 12,   ///< the patience (--timeout) ended; the action goes on
    Stuck = 13,      ///< a process survived SIGKILL; its lease is kept
    Indeterminate = 14, ///< it may or may not have happened, and is never repeated (resets)
    Cancelled = 15,     ///< withdrawn by its owner before it ended
    Malformed = 16,     ///< bytes or text that cannot be decoded
    Unsupported = 17,   ///< known, but not built or not possible here; the message says which
    Storage = 18,       ///< a store cannot be opened, read or written
    Interrupted = 19,   ///< the person pressed Ctrl-C while waiting; the action goes on
};

struct ErrorTraits {
    ErrorCode code;
    std::string_view name;     ///< stable word for JSON output and metrics
    std::string_view sentence; ///< used where an error carries no message of its own
    int exit_status;           ///< of the command line tools; DESIGN: one table
    bool retryable;            ///< the same request may succeed later without a change by a person
};

/// All codes, in wire order.
[[nodiscard]] std::span<const ErrorTraits> error_table();
[[nodiscard]] const ErrorTraits& traits(ErrorCode code);
[[nodiscard]] std::string_view to_string(ErrorCode code);
/// Nothing for a number that no version up to this one has defined.
[[nodiscard]] std::optional<ErrorCode> error_code_from_wire(std::uint16_t value);

/// An expected failure, as a value. `message` is one clause without a trailing full stop;
/// `evidence` are further lines; `try_next` is a command that works, or empty.
struct Error {
    ErrorCode code = ErrorCode::Failed;
    std::string message;
    std::vector<std::string> evidence = {};
    std::string try_next = {};

    bool operator==(const Error&) const = default;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// An error ready to be returned: `return fail(ErrorCode::NotFound, "no VM has this label");`
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code, std::string message);
[[nodiscard]] tl::unexpected<Error> fail(ErrorCode code,
                                         std::string message,
                                         std::string try_next,
                                         std::vector<std::string> evidence = {});

/// Puts what was being done before the message, outermost first: "start web: qmp: closed".
[[nodiscard]] Error within(std::string_view what, Error error);
[[nodiscard]] tl::unexpected<Error> wrap(std::string_view what, Error error);

/// A fault of the environment that ends the process: main() prints it and exits with the status of
/// its code, so that the supervisor restarts the process where that helps.
class Fault : public std::runtime_error {
public:
    explicit Fault(Error error);
    [[nodiscard]] const Error& error() const { return error_; }

private:
    Error error_;
};

} // namespace ctys
