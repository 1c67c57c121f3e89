#pragma once

#include "mesh/bus/curve_keys.h"
#include "mesh/core/time.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <variant>

namespace ctys::bus {

/// How a socket serves tcp: every key is asked of the ZapAuthenticator, which must be running.
struct CurveServer {
    CurveKeyPair keys;
    std::string domain = "ctys"; ///< tells the authenticator which socket it is; not empty
};

/// How a socket dials tcp: the key of the server is pinned.
struct CurveClient {
    CurveKeyPair keys;
    std::string server_key; ///< public, Z85
};

/// Everything is set on every socket; nothing is left to a default of libzmq.
struct SocketOptions {
    Duration linger{0};            ///< how long unsent messages survive the drop of the socket
    int send_high_water = 1000;    ///< messages per peer
    int receive_high_water = 1000; ///< messages per peer
    bool immediate = false;        ///< a Dealer queues only for peers that are connected
    bool xpub_no_drop = false;     ///< a full subscriber makes send() overloaded, not lossy

    Duration reconnect_first = std::chrono::milliseconds(100); ///< doubles, with jitter, up to
    Duration reconnect_max = std::chrono::seconds(5);
    Duration handshake = std::chrono::seconds(5);
    Duration connect = std::chrono::seconds(5);
    /// Of ZMTP, which find dead hosts and networks; a hung peer goes on answering them.
    Duration heartbeat_interval = std::chrono::seconds(2);
    Duration heartbeat_timeout = std::chrono::seconds(6);
    Duration heartbeat_ttl = std::chrono::seconds(6);
    int backlog = 512;

    /// Per frame. A longer one ends its connection, and what the peer had sent behind it is lost.
    std::int64_t max_frame_bytes = 4LL * 1024 * 1024;
    /// Of one message as received, routing id included; one beyond is dropped and counted.
    std::size_t max_frames = 16;
    std::size_t max_message_bytes = 8UL * 1024 * 1024;
    /// Messages received per round of the loop, so that a flood does not starve timers.
    int receive_budget = 256;

    mode_t ipc_mode = 0600;              ///< of the socket file of an ipc bind
    std::optional<gid_t> ipc_group = {}; ///< of the same; none: that of this process
    std::variant<std::monostate, CurveServer, CurveClient> security = {};
};

} // namespace ctys::bus
