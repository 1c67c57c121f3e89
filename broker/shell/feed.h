#pragma once

#include "broker/core/write.h"
#include "mesh/bus/socket.h"

#include <map>

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

    bus::Socket socket_;
    std::map<std::string, Cursor, std::less<>> last_;
    std::map<std::string, Cursor, std::less<>> changed_;
};

} // namespace ctys::broker
