#include "mesh/bus/peer_identity.h"

#include <charconv>

namespace ctys::bus {

namespace {

/// Takes a decimal number and what follows it, a colon or the end, off the front.
template <typename Number>
bool take(std::string_view& text, Number& number) {
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || (end != last && *end != ':')) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + (end == last ? 0 : 1));
    return true;
}

} // namespace

PeerIdentity
identify(std::string_view peer_address, std::string_view user_id, bool is_zap_enforced) {
    constexpr std::string_view ipc_prefix = "localhost:";
    if (peer_address.starts_with(ipc_prefix)) {
        PeerIdentity user{.kind = PeerIdentity::Kind::User};
        auto rest = peer_address.substr(ipc_prefix.size());
        const bool parsed =
            take(rest, user.uid) && take(rest, user.gid) && take(rest, user.pid) && rest.empty();
        return parsed ? user : PeerIdentity{};
    }
    if (!is_zap_enforced || peer_address.empty() || user_id.empty()) return {};
    return {.kind = PeerIdentity::Kind::Key, .name = std::string(user_id)};
}

} // namespace ctys::bus
