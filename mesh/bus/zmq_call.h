#pragma once

// Internal to mesh/bus: the only header that includes zmq.h.

#include "mesh/core/error.h"
#include "mesh/core/time.h"

#include <zmq.h>

#include <memory>
#include <string>
#include <string_view>

namespace ctys::bus {

/// Draft in zmq.h, effective in Debian's library: without it an absent ZAP handler lets any key in.
constexpr int option_zap_enforce_domain = 93;
/// Draft in zmq.h, effective in Debian's library.
constexpr int context_option_zero_copy_receive = 10;

/// The error of the libzmq call that has just failed.
[[nodiscard]] Error zmq_failure(std::string_view what, ErrorCode code = ErrorCode::Failed);
/// The same as a fault: for calls that fail only when the environment is broken.
[[noreturn]] void throw_zmq_fault(std::string_view what);

void set_option(void* socket, int option, int value);
void set_option(void* socket, int option, std::int64_t value);
void set_option(void* socket, int option, std::string_view value);
[[nodiscard]] int int_option(void* socket, int option);
[[nodiscard]] std::string text_option(void* socket, int option);

/// Milliseconds as libzmq takes them.
[[nodiscard]] int to_zmq_ms(Duration span);

struct CloseSocket {
    void operator()(void* socket) const;
};
using OwnedSocket = std::unique_ptr<void, CloseSocket>;
/// With linger 0. Throws Fault when the context has no socket left.
[[nodiscard]] OwnedSocket open_socket(void* context, int type);

} // namespace ctys::bus
