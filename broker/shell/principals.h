#pragma once

#include "mesh/bus/known_keys.h"
#include "mesh/bus/peer_identity.h"
#include "mesh/core/role.h"

#include <map>
#include <string>

namespace ctys::broker {

/// Turns what the transport knows about a peer into a principal. Over the unix socket root and the
/// broker's own user are administrators, others what broker.toml says, else nobody; over tcp it is
/// the holder of the key. Anonymous peers have no role.
class Principals {
public:
    Principals(uid_t own, std::map<std::string, Role> users)
        : own_(own), users_(std::move(users)) {}

    void replace_keys(bus::KnownKeys keys) { keys_ = std::move(keys); }
    [[nodiscard]] Principal of(const bus::PeerIdentity& peer);

private:
    [[nodiscard]] const std::string& user_name(uid_t uid);

    uid_t own_;
    std::map<std::string, Role> users_; ///< by account name
    bus::KnownKeys keys_;
    std::map<uid_t, std::string> names_;
};

} // namespace ctys::broker
