#include "mesh/bus/curve_self_test.h"

#include "mesh/bus/curve_keys.h"
#include "mesh/bus/zmq_call.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstring>

namespace ctys::bus {

namespace {

/// A name of its own each time: libzmq gives one up only some time after its socket is closed.
std::string next_monitor_address() {
    static std::atomic<int> number{0};
    return fmt::format("inproc://ctys.curve-self-test-{}", ++number);
}

constexpr int handshake_ends = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

void listen(void* server, const CurveKeyPair& keys, const std::string& monitor, bool enforce) {
    set_option(server, ZMQ_CURVE_SERVER, 1);
    set_option(server, ZMQ_CURVE_SECRETKEY, std::string_view(keys.secret_key));
    set_option(server, ZMQ_ZAP_DOMAIN, std::string_view("ctys-self-test"));
    if (enforce) set_option(server, option_zap_enforce_domain, 1);
    if (zmq_socket_monitor(server, monitor.c_str(), handshake_ends) != 0 ||
        zmq_bind(server, "tcp://127.0.0.1:*") != 0) {
        throw_zmq_fault("CURVE self-test");
    }
}

void dial(void* client, void* server, const CurveKeyPair& server_keys) {
    const auto stranger = CurveKeyPair::generate();
    set_option(client, ZMQ_CURVE_PUBLICKEY, std::string_view(stranger.public_key));
    set_option(client, ZMQ_CURVE_SECRETKEY, std::string_view(stranger.secret_key));
    set_option(client, ZMQ_CURVE_SERVERKEY, std::string_view(server_keys.public_key));
    if (zmq_connect(client, text_option(server, ZMQ_LAST_ENDPOINT).c_str()) != 0) {
        throw_zmq_fault("CURVE self-test");
    }
}

/// The event, or 0 if none came in time. The first frame holds it in two bytes, host order.
int wait_for_end(void* monitor, Duration patience) {
    set_option(monitor, ZMQ_RCVTIMEO, to_zmq_ms(patience));
    std::array<char, 6> event{};
    if (zmq_recv(monitor, event.data(), event.size(), 0) < 2) return 0;
    std::uint16_t number = 0;
    std::memcpy(&number, event.data(), sizeof number);
    return number;
}

} // namespace

Status curve_self_test(Context& context, CurveSelfTest options) {
    const auto server = open_socket(context.native(), ZMQ_ROUTER);
    const auto client = open_socket(context.native(), ZMQ_DEALER);
    const auto monitor = open_socket(context.native(), ZMQ_PAIR);
    const auto keys = CurveKeyPair::generate();
    const auto address = next_monitor_address();
    listen(server.get(), keys, address, options.enforce);
    if (zmq_connect(monitor.get(), address.c_str()) != 0) throw_zmq_fault("CURVE self-test");
    dial(client.get(), server.get(), keys);
    const int end = wait_for_end(monitor.get(), options.patience);
    zmq_socket_monitor(server.get(), nullptr, 0);
    switch (end) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return {};
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        return fail(ErrorCode::Refused,
                    "CURVE self-test: an unknown key was let in, so tcp stays closed");
    default:
        return fail(ErrorCode::Failed,
                    "CURVE self-test: no authenticator decided about the unknown key");
    }
}

} // namespace ctys::bus
