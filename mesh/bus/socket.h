#pragma once

#include "mesh/bus/context.h"
#include "mesh/bus/endpoint.h"
#include "mesh/bus/frame.h"
#include "mesh/bus/peer_identity.h"
#include "mesh/bus/socket_options.h"
#include "mesh/core/error.h"
#include "mesh/loop/event_loop.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace ctys::bus {

enum class SocketKind : std::uint8_t { Router, Dealer, Xpub, Sub };

struct Message {
    Frames frames; ///< at least one; on a Router the first is the routing id of the peer
    PeerIdentity peer = {};
};

struct SocketCounters {
    std::uint64_t received = 0; ///< messages given to on_message
    std::uint64_t sent = 0;
    std::uint64_t overloaded = 0; ///< sends refused because a queue was full
    std::uint64_t unreachable = 0;
    std::uint64_t oversized = 0; ///< received messages beyond max_frames or max_message_bytes
    std::uint64_t anonymous = 0; ///< received by a Router without a known peer
};

/// A ZeroMQ socket on the event loop. Never blocks. Used on the loop's thread only, and gone before
/// loop and context. One socket may serve ipc and tcp: CURVE is applied to its tcp endpoints only.
class Socket {
public:
    /// The message may be taken apart; it is reused after the call. May drop the socket.
    using OnMessage = std::function<void(Message&)>;

    /// Throws Fault when libzmq cannot make a socket (descriptors, socket limit).
    Socket(Context& context,
           loop::EventLoop& loop,
           SocketKind kind,
           SocketOptions options,
           OnMessage on_message);
    ~Socket();
    Socket(Socket&& other) noexcept = default;
    Socket& operator=(Socket&& other) noexcept;

    /// An ipc bind takes the path over from whoever had it: hold a lock. The socket file stays when
    /// the socket goes. Errors: Refused (tcp without CurveServer), Usage (ipc after tcp), Conflict
    /// (address in use), Failed.
    [[nodiscard]] Status bind(const Endpoint& endpoint);
    /// Returns at once; libzmq dials, and dials again, in the background. Errors: Refused (tcp
    /// without CurveClient), Usage (wildcard), Failed.
    [[nodiscard]] Status connect(const Endpoint& endpoint);
    /// Forgets a connection made by connect(), with what waits for it. Errors: NotFound.
    [[nodiscard]] Status disconnect(const Endpoint& endpoint);
    /// Where the last bind() listens, the port filled in.
    [[nodiscard]] Endpoint last_endpoint() const;

    /// Sub only: messages whose first frame begins with `prefix`. Counted: unsubscribe as often.
    void subscribe(std::string_view prefix);
    void unsubscribe(std::string_view prefix);

    /// All frames or none. On an error the frames are untouched, except where the peer vanishes
    /// between two frames (Unreachable, frames consumed). Errors: Overloaded (the queue to the peer
    /// is full; on a Dealer also: nobody is connected), Unreachable (a Router knows no such peer).
    [[nodiscard]] Status send(Frames& frames);
    [[nodiscard]] Status send(Frames&& frames) { return send(frames); }

    [[nodiscard]] const SocketCounters& counters() const;
    /// Names and values as libzmq reports them now; for tests and for `ctys doctor`.
    [[nodiscard]] std::map<std::string, std::int64_t> options_in_force() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace ctys::bus
