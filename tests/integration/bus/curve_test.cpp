#include "mesh/bus/curve_self_test.h"
#include "mesh/bus/socket.h"
#include "mesh/bus/zap_authenticator.h"
#include "tests/integration/bus/raw_peer.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <optional>
#include <unistd.h>

using ctys::ErrorCode;
using ctys::Role;
using ctys::bus::Context;
using ctys::bus::CurveClient;
using ctys::bus::CurveKeyPair;
using ctys::bus::CurveServer;
using ctys::bus::Endpoint;
using ctys::bus::Frames;
using ctys::bus::KeyHolder;
using ctys::bus::KnownKeys;
using ctys::bus::Message;
using ctys::bus::PeerIdentity;
using ctys::bus::Socket;
using ctys::bus::SocketKind;
using ctys::bus::ZapAuthenticator;
using ctys::support::LoopFixture;
using ctys::support::Monitor;
using ctys::support::RawPeer;

namespace {

constexpr int connection_ends =
    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED;

KnownKeys known(const std::string& name, const CurveKeyPair& pair) {
    KnownKeys keys;
    REQUIRE(keys.add({.name = name, .key = pair.public_key, .role = Role::Agent}));
    return keys;
}

struct CurveBench {
    LoopFixture f;
    Context context;
    CurveKeyPair server_keys = CurveKeyPair::generate();
    CurveKeyPair client_keys = CurveKeyPair::generate();
    std::vector<PeerIdentity> peers;

    Socket server(const std::optional<Endpoint>& first = {}) {
        Socket socket(context,
                      f.loop,
                      SocketKind::Router,
                      {.security = CurveServer{.keys = server_keys}},
                      [this](Message& message) { peers.push_back(message.peer); });
        if (first) REQUIRE(socket.bind(*first));
        REQUIRE(socket.bind(Endpoint::parse("tcp://127.0.0.1:*").value()));
        return socket;
    }

    Socket client(const Endpoint& endpoint, const CurveKeyPair& keys) {
        Socket socket(context,
                      f.loop,
                      SocketKind::Dealer,
                      {.security = CurveClient{.keys = keys, .server_key = server_keys.public_key}},
                      [](Message&) {});
        REQUIRE(socket.connect(endpoint));
        return socket;
    }

    void raw_keys(RawPeer& peer, const CurveKeyPair& keys) const {
        peer.set(ZMQ_CURVE_PUBLICKEY, keys.public_key);
        peer.set(ZMQ_CURVE_SECRETKEY, keys.secret_key);
        peer.set(ZMQ_CURVE_SERVERKEY, server_keys.public_key);
    }

    /// How the first connection of the peer ends; the event, never HANDSHAKE_SUCCEEDED if refused.
    int outcome(RawPeer& peer, const Endpoint& endpoint) {
        Monitor monitor(context, peer, connection_ends);
        peer.connect(endpoint.to_string());
        peer.send("let me in", ZMQ_DONTWAIT);
        return monitor.next();
    }
};

Frames hello() {
    Frames frames;
    frames.emplace_back("hello");
    return frames;
}

} // namespace

TEST_CASE("a known key gets in and is known by its name", "[bus][curve]") {
    CurveBench b;
    const ZapAuthenticator zap(b.context, known("lab02", b.client_keys));
    const auto server = b.server();
    auto client = b.client(server.last_endpoint(), b.client_keys);

    REQUIRE(client.send(hello()));

    b.f.run_until([&] { return !b.peers.empty(); });
    CHECK(b.peers.front() == PeerIdentity{.kind = PeerIdentity::Kind::Key, .name = "lab02"});
    CHECK(zap.accepted() == 1);
    CHECK(server.options_in_force().at("mechanism") == ZMQ_CURVE);
}

TEST_CASE("an unknown key is refused and noted", "[bus][curve]") {
    CurveBench b;
    const ZapAuthenticator zap(b.context, known("lab02", b.client_keys));
    const auto server = b.server();
    RawPeer stranger(b.context, ZMQ_DEALER);
    const auto keys = CurveKeyPair::generate();
    b.raw_keys(stranger, keys);

    CHECK(b.outcome(stranger, server.last_endpoint()) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);

    CHECK(zap.refused() >= 1);
    CHECK(zap.accepted() == 0);
    REQUIRE_FALSE(zap.recent_refusals().empty());
    CHECK(zap.recent_refusals().front().key == keys.public_key);
    CHECK(zap.recent_refusals().front().address == "127.0.0.1");
    CHECK(zap.recent_refusals().front().why == "unknown key");
    b.f.drain();
    CHECK(b.peers.empty());
}

TEST_CASE("a peer without any key is refused", "[bus][curve]") {
    CurveBench b;
    const ZapAuthenticator zap(b.context, known("lab02", b.client_keys));
    const auto server = b.server();
    RawPeer stranger(b.context, ZMQ_DEALER);

    const int end = b.outcome(stranger, server.last_endpoint());

    CHECK(end != 0);
    CHECK(end != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    b.f.drain();
    CHECK(b.peers.empty());
    CHECK(zap.accepted() == 0);
}

TEST_CASE("without an authenticator nobody gets in", "[bus][curve]") {
    CurveBench b;
    const auto server = b.server();
    RawPeer peer(b.context, ZMQ_DEALER);
    b.raw_keys(peer, b.client_keys);

    const int end = b.outcome(peer, server.last_endpoint());

    CHECK(end != 0);
    CHECK(end != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    b.f.drain();
    CHECK(b.peers.empty());
}

TEST_CASE("a client that expects another server key does not talk", "[bus][curve]") {
    CurveBench b;
    const ZapAuthenticator zap(b.context, known("lab02", b.client_keys));
    const auto server = b.server();
    RawPeer peer(b.context, ZMQ_DEALER);
    b.raw_keys(peer, b.client_keys);
    peer.set(ZMQ_CURVE_SERVERKEY, CurveKeyPair::generate().public_key);

    const int end = b.outcome(peer, server.last_endpoint());

    CHECK(end != 0);
    CHECK(end != ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

TEST_CASE("replaced keys decide about later connections", "[bus][curve]") {
    CurveBench b;
    const auto second = CurveKeyPair::generate();
    ZapAuthenticator zap(b.context, known("first", b.client_keys));
    const auto server = b.server();

    zap.replace_keys(known("second", second));

    RawPeer revoked(b.context, ZMQ_DEALER);
    b.raw_keys(revoked, b.client_keys);
    CHECK(b.outcome(revoked, server.last_endpoint()) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    auto client = b.client(server.last_endpoint(), second);
    REQUIRE(client.send(hello()));
    b.f.run_until([&] { return !b.peers.empty(); });
    CHECK(b.peers.front().name == "second");
}

TEST_CASE("a policy can close a socket to holders of known keys", "[bus][curve]") {
    CurveBench b;
    const ZapAuthenticator zap(b.context,
                               known("lab02", b.client_keys),
                               [](const std::string& domain, const KeyHolder& holder) {
                                   return domain != "ctys" || holder.role != Role::Agent;
                               });
    const auto server = b.server();
    RawPeer agent(b.context, ZMQ_DEALER);
    b.raw_keys(agent, b.client_keys);
    CHECK(b.outcome(agent, server.last_endpoint()) == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
}

TEST_CASE("one router serves keys over tcp and users over ipc", "[bus][curve]") {
    CurveBench b;
    const ctys::support::TemporaryDirectory dir;
    const ZapAuthenticator zap(b.context, known("lab02", b.client_keys));
    const auto ipc = Endpoint::ipc(dir / "s").value();
    auto server = b.server(ipc);
    const auto tcp = server.last_endpoint();
    CHECK(server.bind(ipc).error().code == ErrorCode::Usage);
    auto remote = b.client(tcp, b.client_keys);
    Socket local(b.context, b.f.loop, SocketKind::Dealer, {}, [](Message&) {});
    REQUIRE(local.connect(ipc));

    REQUIRE(remote.send(hello()));
    b.f.run_until([&] { return b.peers.size() == 1; });
    REQUIRE(local.send(hello()));
    b.f.run_until([&] { return b.peers.size() == 2; });

    CHECK(b.peers[0].name == "lab02");
    CHECK(b.peers[1].kind == PeerIdentity::Kind::User);
    CHECK(b.peers[1].uid == ::getuid());
    CHECK(zap.accepted() == 1);
}

TEST_CASE("the self-test passes only where an authenticator refuses strangers", "[bus][curve]") {
    Context context;
    const auto alone = ctys::bus::curve_self_test(context);
    REQUIRE_FALSE(alone);
    CHECK(alone.error().code == ErrorCode::Failed);

    const auto open = ctys::bus::curve_self_test(context, {.enforce = false});
    REQUIRE_FALSE(open);
    CHECK(open.error().code == ErrorCode::Refused);
    CHECK_THAT(open.error().message, Catch::Contains("let in"));

    const ZapAuthenticator zap(context, {});
    CHECK(ctys::bus::curve_self_test(context));
}
