#pragma once

#include "broker/core/turn.h"
#include "tests/support/simulation/ground.h"

#include <functional>
#include <map>
#include <vector>

namespace ctys::sim {

using broker::PeerId;

/// Connections of agents and tools to the one mesh socket, as ZeroMQ gives them: in order per
/// connection and direction, nothing is doubled, and whatever is under way when a connection breaks
/// is lost. Every message goes through its codec.
class Network {
public:
    using ToPeer = std::function<void(Envelope)>;
    using ToBroker = std::function<void(const PeerId&, Envelope)>;

    explicit Network(Ground& ground) : ground_(ground) {}

    /// A process opens its connection; `name` is of the machine it stands on, for cuts.
    void open(const PeerId& peer, std::string name, ToPeer deliver);
    void close(const PeerId& peer);
    /// The broker binds (with a function) or is gone (with none).
    void bind(ToBroker deliver);

    void send_to_broker(const PeerId& peer, const Envelope& envelope);
    /// False: there is no such connection (ROUTER_MANDATORY).
    [[nodiscard]] bool send_to_peer(const PeerId& peer, const Envelope& envelope);

    /// Cuts every connection of a name. The broker's side learns of it after `unnoticed`; what is
    /// sent meanwhile is lost. What the peer sends waits for the connection when `keeps`.
    void cut(const std::string& name, Duration unnoticed, bool keeps);
    void heal(const std::string& name);
    void heal_all();
    [[nodiscard]] bool is_cut(const std::string& name) const { return cuts_.contains(name); }
    /// Changes whenever messages of this connection may have been lost.
    [[nodiscard]] std::uint64_t life(const PeerId& peer) const { return links_.at(peer).life; }
    void set_delay(Duration least, Duration most) { least_ = least, most_ = most; }

private:
    struct Link {
        std::string name;
        ToPeer deliver;
        std::uint64_t life = 0; ///< messages of an older one are lost
        Instant to_broker;
        Instant to_peer;
        std::vector<Envelope> waiting; ///< for the connection, bounded as ZeroMQ's high-water mark
    };
    struct Cut {
        Instant noticed;
        bool keeps = false;
    };
    static constexpr std::size_t high_water = 1000;

    void carry_to_broker(const PeerId& peer, Link& link, const Envelope& envelope);
    void flush(const PeerId& peer, Link& link);

    Ground& ground_;
    std::map<PeerId, Link> links_;
    std::map<std::string, Cut> cuts_;
    ToBroker broker_;
    std::uint64_t lives_ = 0;
    Duration least_ = std::chrono::microseconds{200};
    Duration most_ = std::chrono::milliseconds{3};
};

} // namespace ctys::sim
