#include "broker/shell/principals.h"

#include <array>
#include <pwd.h>

namespace ctys::broker {

const std::string& Principals::user_name(uid_t uid) {
    const auto known = names_.find(uid);
    if (known != names_.end()) return known->second;
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    auto name = std::to_string(uid);
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        name = entry.pw_name;
    return names_.emplace(uid, std::move(name)).first->second;
}

Principal Principals::of(const bus::PeerIdentity& peer) {
    switch (peer.kind) {
    case bus::PeerIdentity::Kind::User: {
        const auto& name = user_name(peer.uid);
        if (peer.uid == 0 || peer.uid == own_)
            return {.name = name, .role = Role::Admin, .worker = {}};
        const auto known = users_.find(name);
        return {
            .name = name, .role = known != users_.end() ? known->second : Role::None, .worker = {}};
    }
    case bus::PeerIdentity::Kind::Key: {
        const auto* holder = keys_.find_name(peer.name);
        if (holder == nullptr) return {.name = peer.name, .role = Role::None, .worker = {}};
        return {.name = holder->name, .role = holder->role, .worker = holder->worker};
    }
    case bus::PeerIdentity::Kind::Anonymous:
        break;
    }
    return {};
}

} // namespace ctys::broker
