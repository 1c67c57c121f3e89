#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace ctys::bus {

/// Who sent a message, as the transport knows it; nothing in it is claimed by the peer.
struct PeerIdentity {
    enum class Kind : std::uint8_t {
        Anonymous, ///< nothing is known: may do nothing
        User,      ///< a process on this machine: uid, gid and pid by SO_PEERCRED
        Key,       ///< over tcp with CURVE: the name that belongs to the key
    };

    Kind kind = Kind::Anonymous;
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    pid_t pid = 0;
    std::string name = {};

    [[nodiscard]] bool is_anonymous() const { return kind == Kind::Anonymous; }
    bool operator==(const PeerIdentity&) const = default;
};

/// From the properties libzmq keeps for a connection: Peer-Address is "localhost:uid:gid:pid" over
/// ipc and a numeric address over tcp; User-Id is what the ZAP handler answered. Over ipc User-Id
/// is ignored, since without ZAP a peer can set it itself; over tcp it is believed only if
/// `is_zap_enforced`. Anything unexpected is Anonymous. Views may be empty.
[[nodiscard]] PeerIdentity
identify(std::string_view peer_address, std::string_view user_id, bool is_zap_enforced);

} // namespace ctys::bus
