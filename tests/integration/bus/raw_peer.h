#pragma once

#include "mesh/bus/context.h"

#include <zmq.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ctys::support {

/// A peer that does not use our Socket and so may misbehave. Blocking; waits are bounded.
class RawPeer {
public:
    RawPeer(bus::Context& context, int type) : socket_(zmq_socket(context.native(), type)) {
        set(ZMQ_LINGER, 0);
        set(ZMQ_RCVTIMEO, 10'000);
        set(ZMQ_SNDTIMEO, 10'000);
    }
    ~RawPeer() { zmq_close(socket_); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    void set(int option, int value) { zmq_setsockopt(socket_, option, &value, sizeof value); }
    void set(int option, std::string_view value) {
        zmq_setsockopt(socket_, option, value.data(), value.size());
    }
    void connect(const std::string& endpoint) { zmq_connect(socket_, endpoint.c_str()); }
    bool send(std::string_view bytes, int flags = 0) {
        return zmq_send(socket_, bytes.data(), bytes.size(), flags) >= 0;
    }
    [[nodiscard]] std::string receive() {
        std::array<char, 4096> buffer{};
        const int size = zmq_recv(socket_, buffer.data(), buffer.size(), 0);
        return size < 0 ? "(nothing)" : std::string(buffer.data(), static_cast<std::size_t>(size));
    }
    [[nodiscard]] void* native() const { return socket_; }

private:
    void* socket_;
};

/// Sees how connections of a peer end.
class Monitor {
public:
    Monitor(bus::Context& context, RawPeer& peer, int events)
        : watched_(peer.native()), reader_(context, ZMQ_PAIR) {
        zmq_socket_monitor(peer.native(), "inproc://raw-peer-monitor", events);
        reader_.connect("inproc://raw-peer-monitor");
    }
    /// The monitor ends before its reader goes: telling an event to nobody would block libzmq's I/O
    /// thread for good.
    ~Monitor() { zmq_socket_monitor(watched_, nullptr, 0); }
    Monitor(const Monitor&) = delete;
    Monitor& operator=(const Monitor&) = delete;

    /// The next event of those asked for, 0 after 10 s.
    [[nodiscard]] int next() {
        const auto event = reader_.receive();
        static_cast<void>(reader_.receive()); // the endpoint
        std::uint16_t number = 0;
        if (event.size() != 6) return 0;
        std::memcpy(&number, event.data(), sizeof number);
        return number;
    }

private:
    void* watched_;
    RawPeer reader_;
};

} // namespace ctys::support
