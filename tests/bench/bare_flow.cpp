// What ZeroMQ alone carries in messages per second: Push/Pull, and Xpub/Xsub with a forwarder
// between. Receivers check that nothing is missing or out of order.
#include <zmq.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void need(bool held, const char* what) {
    if (!held) throw std::runtime_error(std::string{what} + ": " + zmq_strerror(zmq_errno()));
}

long long now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

void give(void* socket, std::size_t size, std::uint64_t count) {
    std::vector<char> bytes(size);
    std::printf("begun %lld\n", now_us());
    std::fflush(stdout);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::memcpy(bytes.data(), &i, sizeof i);
        need(zmq_send(socket, bytes.data(), bytes.size(), 0) >= 0, "send");
    }
}

void take(void* socket, std::uint64_t count) {
    std::vector<char> bytes(4096);
    for (std::uint64_t i = 0; i < count; ++i) {
        need(zmq_recv(socket, bytes.data(), bytes.size(), 0) >= 8, "receive");
        std::uint64_t number = 0;
        std::memcpy(&number, bytes.data(), sizeof number);
        if (number != i) throw std::runtime_error("out of order");
    }
    std::printf("taken %lld\n", now_us());
}

void* open(void* context, int kind, const char* endpoint, bool binds) {
    void* socket = zmq_socket(context, kind);
    need(socket != nullptr, "socket");
    const int on = 1;
    // Nothing may be lost: a full subscriber holds the publisher up.
    if (kind == ZMQ_XPUB) zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &on, sizeof on);
    if (kind == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    need((binds ? zmq_bind(socket, endpoint) : zmq_connect(socket, endpoint)) == 0, endpoint);
    return socket;
}

void await_subscriber(void* socket) {
    char byte = 0;
    need(zmq_recv(socket, &byte, 1, 0) >= 0, "subscription");
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("usage: bench_bare_flow push|pub ENDPOINT BYTES COUNT\n"
                   "       bench_bare_flow pull|sub ENDPOINT COUNT\n"
                   "       bench_bare_flow forward ENDPOINT_IN ENDPOINT_OUT\n",
                   stderr);
        return 2;
    }
    const std::string role = argv[1];
    const auto number = [&](int i) { return std::strtoull(argc > i ? argv[i] : "0", nullptr, 10); };
    try {
        void* context = zmq_ctx_new();
        if (role == "push") give(open(context, ZMQ_PUSH, argv[2], true), number(3), number(4));
        if (role == "pull") take(open(context, ZMQ_PULL, argv[2], false), number(3));
        if (role == "sub") take(open(context, ZMQ_SUB, argv[2], false), number(3));
        if (role == "pub") {
            void* socket = open(context, ZMQ_XPUB, argv[2], true);
            await_subscriber(socket);
            give(socket, number(3), number(4));
        }
        if (role == "forward") {
            void* in = open(context, ZMQ_XSUB, argv[2], false);
            void* out = open(context, ZMQ_XPUB, argv[3], true);
            zmq_proxy(in, out, nullptr);
        }
        std::fflush(stdout);
        // The givers are ended by whoever started them: what they sent may still be under way.
        if (role == "push" || role == "pub") static_cast<void>(std::getchar());
        std::_Exit(0);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "bench_bare_flow: %s\n", failure.what());
        return 1;
    }
}
