#include "tests/support/simulation/network.h"

#include "schema/codec.h"

namespace ctys::sim {

void Network::open(const PeerId& peer, std::string name, ToPeer deliver) {
    links_[peer] = Link{
        .name = std::move(name), .deliver = std::move(deliver), .life = ++lives_, .waiting = {}};
}

void Network::close(const PeerId& peer) {
    links_.erase(peer);
}

void Network::bind(ToBroker deliver) {
    broker_ = std::move(deliver);
    for (auto& [peer, link] : links_) {
        link.life = ++lives_;
        link.to_broker = link.to_peer = {};
        if (broker_) flush(peer, link);
    }
}

void Network::flush(const PeerId& peer, Link& link) {
    if (!broker_ || cuts_.contains(link.name)) return;
    const auto waiting = std::exchange(link.waiting, {});
    for (const auto& envelope : waiting) {
        carry_to_broker(peer, link, envelope);
    }
}

void Network::send_to_broker(const PeerId& peer, const Envelope& envelope) {
    const auto found = links_.find(peer);
    if (found == links_.end()) return;
    auto& link = found->second;
    const auto cut = cuts_.find(link.name);
    if (broker_ && cut == cuts_.end()) return carry_to_broker(peer, link, envelope);
    const bool keeps = cut == cuts_.end() || cut->second.keeps;
    if (keeps && link.waiting.size() < high_water) link.waiting.push_back(envelope);
}

void Network::carry_to_broker(const PeerId& peer, Link& link, const Envelope& envelope) {
    auto bytes = schema::encode(envelope);
    const auto now = ground_.schedule.now();
    link.to_broker = std::max(link.to_broker, now + ground_.random.between(least_, most_));
    ground_.schedule.at(link.to_broker, [this, peer, life = link.life, bytes = std::move(bytes)] {
        const auto found = links_.find(peer);
        if (found == links_.end() || found->second.life != life || !broker_) return;
        ground_.mix(bytes);
        auto decoded = schema::decode_envelope(bytes);
        if (!decoded) return ground_.broken("codec", decoded.error().message);
        broker_(peer, std::move(*decoded));
    });
}

bool Network::send_to_peer(const PeerId& peer, const Envelope& envelope) {
    const auto found = links_.find(peer);
    if (found == links_.end()) return false;
    auto& link = found->second;
    const auto now = ground_.schedule.now();
    if (const auto cut = cuts_.find(link.name); cut != cuts_.end()) {
        return now < cut->second.noticed; // lost without a word until it is noticed
    }
    link.to_peer = std::max(link.to_peer, now + ground_.random.between(least_, most_));
    auto bytes = schema::encode(envelope);
    ground_.schedule.at(link.to_peer, [this, peer, life = link.life, bytes = std::move(bytes)] {
        const auto to = links_.find(peer);
        if (to == links_.end() || to->second.life != life) return;
        ground_.mix(bytes);
        auto decoded = schema::decode_envelope(bytes);
        if (!decoded) return ground_.broken("codec", decoded.error().message);
        const auto deliver = to->second.deliver;
        deliver(std::move(*decoded));
    });
    return true;
}

void Network::cut(const std::string& name, Duration unnoticed, bool keeps) {
    cuts_[name] = Cut{ground_.schedule.now() + unnoticed, keeps};
    for (auto& [peer, link] : links_) {
        if (link.name == name) link.life = ++lives_;
    }
}

void Network::heal(const std::string& name) {
    if (cuts_.erase(name) == 0) return;
    for (auto& [peer, link] : links_) {
        if (link.name != name) continue;
        link.to_broker = link.to_peer = {};
        flush(peer, link);
    }
}

void Network::heal_all() {
    while (!cuts_.empty()) {
        heal(std::string{cuts_.begin()->first});
    }
}

} // namespace ctys::sim
