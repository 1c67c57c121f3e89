#include "mesh/bus/zmq_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace ctys::bus {

Error zmq_failure(std::string_view what, ErrorCode code) {
    return Error{.code = code, .message = fmt::format("{}: {}", what, zmq_strerror(zmq_errno()))};
}

void throw_zmq_fault(std::string_view what) {
    throw Fault(zmq_failure(what));
}

void set_option(void* socket, int option, int value) {
    if (zmq_setsockopt(socket, option, &value, sizeof value) != 0) {
        throw_zmq_fault(fmt::format("socket option {} = {}", option, value));
    }
}

void set_option(void* socket, int option, std::int64_t value) {
    if (zmq_setsockopt(socket, option, &value, sizeof value) != 0) {
        throw_zmq_fault(fmt::format("socket option {} = {}", option, value));
    }
}

void set_option(void* socket, int option, std::string_view value) {
    // The value is not named: it may be a secret key.
    if (zmq_setsockopt(socket, option, value.data(), value.size()) != 0) {
        throw_zmq_fault(fmt::format("socket option {}", option));
    }
}

int int_option(void* socket, int option) {
    int value = 0;
    std::size_t size = sizeof value;
    if (zmq_getsockopt(socket, option, &value, &size) != 0) {
        throw_zmq_fault(fmt::format("read socket option {}", option));
    }
    return value;
}

std::string text_option(void* socket, int option) {
    std::array<char, 1024> value{};
    std::size_t size = value.size();
    if (zmq_getsockopt(socket, option, value.data(), &size) != 0) {
        throw_zmq_fault(fmt::format("read socket option {}", option));
    }
    return value.data();
}

int to_zmq_ms(Duration span) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(span).count();
    return static_cast<int>(std::clamp<std::int64_t>(ms, 0, std::numeric_limits<int>::max()));
}

void CloseSocket::operator()(void* socket) const {
    zmq_close(socket);
}

OwnedSocket open_socket(void* context, int type) {
    OwnedSocket socket(zmq_socket(context, type));
    if (!socket) throw_zmq_fault("open a socket");
    set_option(socket.get(), ZMQ_LINGER, 0);
    return socket;
}

} // namespace ctys::bus
