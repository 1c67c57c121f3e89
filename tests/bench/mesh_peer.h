#pragma once

#include "mesh/bus/context.h"
#include "mesh/bus/socket.h"
#include "schema/codec.h"

#include <cstdio>
#include <functional>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace ctys::bench {

/// One clock for all processes of a run: CLOCK_MONOTONIC in microseconds.
[[nodiscard]] inline std::int64_t now_us() {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

/// Says a line to whoever started this program.
inline void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

/// A line that stands on standard input; nothing when none is there yet. "quit" at its end.
[[nodiscard]] inline std::optional<std::string> heard_line() {
    pollfd in{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&in, 1, 0) <= 0) return std::nullopt;
    std::string line;
    for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1;) {
        if (c == '\n') return line;
        line += c;
    }
    return "quit";
}

/// A connection of a measuring program to the broker: one Dealer on one loop.
class MeshPeer {
public:
    using OnEnvelope = std::function<void(Envelope&)>;

    MeshPeer(const std::string& endpoint, OnEnvelope on_envelope)
        : on_envelope_(std::move(on_envelope)),
          socket_(context_,
                  loop_,
                  bus::SocketKind::Dealer,
                  bus::SocketOptions{.send_high_water = 20000, .receive_high_water = 20000},
                  [this](bus::Message& message) { take(message); }) {
        const auto parsed = bus::Endpoint::parse(endpoint);
        if (!parsed || !socket_.connect(*parsed)) throw std::runtime_error("connect " + endpoint);
    }

    void send(std::uint64_t correlation, Body body) {
        const auto bytes =
            schema::encode(Envelope{.correlation = correlation, .body = std::move(body)});
        bus::Frames frames;
        frames.emplace_back(std::span<const std::byte>{bytes});
        if (!socket_.send(frames)) throw std::runtime_error("the queue to the broker is full");
    }

    /// Throws when `done` does not come to hold within `bound`.
    void wait(const char* what, const std::function<bool()>& done, Duration bound) {
        if (!loop_.run_until(done, bound)) throw std::runtime_error(std::string{"no "} + what);
    }
    [[nodiscard]] loop::EventLoop& loop() { return loop_; }

private:
    void take(bus::Message& message) {
        auto envelope = schema::decode_envelope(message.frames.back().bytes());
        if (!envelope) throw std::runtime_error(envelope.error().message);
        if (const auto* failure = std::get_if<msg::Failure>(&envelope->body))
            throw std::runtime_error("the broker says: " + failure->error.message);
        on_envelope_(*envelope);
    }

    OnEnvelope on_envelope_;
    bus::Context context_;
    loop::EventLoop loop_;
    bus::Socket socket_;
};

} // namespace ctys::bench
