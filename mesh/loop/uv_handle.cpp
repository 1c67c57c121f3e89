#include "mesh/loop/uv_handle.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace ctys::loop {

namespace {

ErrorCode code_of(int number) {
    switch (number) {
    case ENOENT:
    case ESRCH:
        return ErrorCode::NotFound;
    case EACCES:
    case EPERM:
        return ErrorCode::Refused;
    case EADDRINUSE:
    case EEXIST:
        return ErrorCode::Conflict;
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EAGAIN:
    case ENOMEM:
        return ErrorCode::Overloaded;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
        return ErrorCode::Unreachable;
    default:
        return ErrorCode::Failed;
    }
}

} // namespace

void check(int code, const char* call) {
    if (code < 0) throw std::system_error(-code, std::generic_category(), call);
}

Error errno_error(int number, std::string_view what) {
    return Error{.code = code_of(number),
                 .message = fmt::format("{}: {}", what, std::generic_category().message(number))};
}

Error uv_error(int code, std::string_view what) {
    return errno_error(-code, what);
}

std::uint64_t to_uv_ms(Duration span) {
    if (span.count() <= 0) return 0;
    return (static_cast<std::uint64_t>(span.count()) + 999) / 1000;
}

} // namespace ctys::loop
