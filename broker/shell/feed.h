#pragma once

#include "broker/core/write.h"
#include "mesh/bus/socket.h"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace ctys::broker {

/// The raw fan-out of recorded events, at most once. Frames: topic; cursor and previous cursor of
/// the same first two parts of the topic, each epoch and sequence as 8 bytes big-endian; event.
/// Each second a mark tells the last cursor of every prefix that changed: topic "<prefix>mark/",
/// same second frame, empty event.
class Feed {
public:
    static constexpr std::size_t most_prefixes = 200000;

    Feed(bus::Context& context, loop::EventLoop& loop, bus::SocketOptions options);

    [[nodiscard]] Status bind(const bus::Endpoint& endpoint) { return socket_.bind(endpoint); }
    void publish(std::uint64_t epoch, const Append& append);
    void on_second();

private:
    void send(const std::string& topic, Cursor at, Cursor before, std::span<const std::byte> event);

    void on_subscription(const bus::Message& message);

    struct Prefix {
        std::string text;
        Cursor last;
        bool changed = false; ///< since the last marks
    };
    /// By the digest of the prefix: comparing long, alike texts was a third of the broker's time.
    /// Two prefixes of one digest would show a gap that is none, which a watch then settles.
    std::unordered_map<std::uint64_t, Prefix> prefixes_;
    std::vector<std::uint64_t> changed_;
    std::uint64_t subscriptions_ = 0; ///< different ones; without any, nothing is sent
    bus::Socket socket_;              ///< last: its callback uses the others
};

} // namespace ctys::broker
