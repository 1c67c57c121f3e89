#include "mesh/bus/zmq_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

namespace {

// Asking for ZMQ_EVENTS does work that a signal may interrupt, that of an ended child for example
// (zmq_getsockopt(3), EINTR).
void read_option(void* socket, int option, void* value, std::size_t& size) {
    int rc = 0;
    do {
        rc = zmq_getsockopt(socket, option, value, &size);
    } while (rc != 0 && zmq_errno() == EINTR);
    if (rc != 0) throw_zmq_fault(fmt::format("read socket option {}", option));
}

} // namespace

int int_option(void* socket, int option) {
    int value = 0;
    std::size_t size = sizeof value;
    read_option(socket, option, &value, size);
    return value;
}

std::string text_option(void* socket, int option) {
    std::array<char, 1024> value{};
    std::size_t size = value.size();
    read_option(socket, option, value.data(), size);
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
