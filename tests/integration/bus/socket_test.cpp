#include "mesh/bus/socket.h"
#include "mesh/loop/timer.h"
#include "tests/integration/bus/raw_peer.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <unistd.h>

using namespace std::chrono_literals;
using ctys::ErrorCode;
using ctys::bus::Context;
using ctys::bus::Endpoint;
using ctys::bus::Frame;
using ctys::bus::Frames;
using ctys::bus::Message;
using ctys::bus::PeerIdentity;
using ctys::bus::Socket;
using ctys::bus::SocketKind;
using ctys::bus::SocketOptions;
using ctys::support::LoopFixture;
using ctys::support::RawPeer;
using ctys::support::TemporaryDirectory;

namespace {

Frames frames_of(std::initializer_list<std::string_view> parts) {
    Frames frames;
    for (const auto part : parts) {
        frames.emplace_back(part);
    }
    return frames;
}

/// Body of the last frame of each message that came.
struct Inbox {
    std::vector<std::string> bodies;
    PeerIdentity peer;
    Frames last;

    Socket::OnMessage taker() {
        return [this](Message& message) {
            bodies.emplace_back(message.frames.back().text());
            peer = message.peer;
            last = std::move(message.frames);
        };
    }
};

/// Order of the members is the order of construction: loop and context outlive the sockets.
struct SocketBench {
    LoopFixture f;
    TemporaryDirectory dir;
    Context context;
    Inbox server_inbox;
    Inbox client_inbox;
    Endpoint endpoint = Endpoint::ipc(dir / "s").value();

    Socket server(SocketOptions options = {}, SocketKind kind = SocketKind::Router) {
        Socket socket(context, f.loop, kind, std::move(options), server_inbox.taker());
        REQUIRE(socket.bind(endpoint));
        return socket;
    }
    Socket client(SocketOptions options = {}, SocketKind kind = SocketKind::Dealer) {
        Socket socket(context, f.loop, kind, std::move(options), client_inbox.taker());
        REQUIRE(socket.connect(endpoint));
        return socket;
    }
    void await_bodies(std::size_t count) {
        f.run_until([&] { return server_inbox.bodies.size() >= count; });
    }
};

} // namespace

TEST_CASE("a request is answered to the peer that asked", "[bus]") {
    SocketBench b;
    auto server = b.server();
    auto client = b.client();

    REQUIRE(client.send(frames_of({"head", "ping"})));
    b.await_bodies(1);
    CHECK(b.server_inbox.last.size() == 3);
    Frames answer;
    answer.push_back(std::move(b.server_inbox.last.front()));
    answer.emplace_back("pong");
    REQUIRE(server.send(answer));

    b.f.run_until([&] { return !b.client_inbox.bodies.empty(); });
    CHECK(b.client_inbox.bodies == std::vector<std::string>{"pong"});
    CHECK(server.counters().received == 1);
    CHECK(client.counters().sent == 1);
}

TEST_CASE("an ipc peer is known by its user and process", "[bus]") {
    SocketBench b;
    auto server = b.server();
    auto client = b.client();
    REQUIRE(client.send(frames_of({"hello"})));
    b.await_bodies(1);
    CHECK(b.server_inbox.peer == PeerIdentity{.kind = PeerIdentity::Kind::User,
                                              .uid = ::getuid(),
                                              .gid = ::getgid(),
                                              .pid = ::getpid()});
    CHECK(server.counters().anonymous == 0);
    CHECK((std::filesystem::status(b.dir / "s").permissions() & std::filesystem::perms::mask) ==
          std::filesystem::perms(0600));
}

TEST_CASE("every option is set and read back", "[bus]") {
    SocketBench b;
    const std::map<std::string, std::int64_t> want = {{"linger", 0},
                                                      {"send_high_water", 1000},
                                                      {"receive_high_water", 1000},
                                                      {"immediate", 0},
                                                      {"reconnect_first", 100},
                                                      {"reconnect_max", 5000},
                                                      {"handshake", 5000},
                                                      {"connect", 5000},
                                                      {"heartbeat_interval", 2000},
                                                      {"heartbeat_timeout", 6000},
                                                      {"heartbeat_ttl", 6000},
                                                      {"backlog", 512},
                                                      {"max_frame_bytes", 4 * 1024 * 1024},
                                                      {"ipv6", 0},
                                                      {"curve_server", 0},
                                                      {"mechanism", ZMQ_NULL}};
    for (const auto kind :
         {SocketKind::Router, SocketKind::Dealer, SocketKind::Xpub, SocketKind::Sub}) {
        const Socket socket(b.context, b.f.loop, kind, {}, [](Message&) {});
        CHECK(socket.options_in_force() == want);
    }
    const Socket other(b.context,
                       b.f.loop,
                       SocketKind::Dealer,
                       {.linger = 300ms, .send_high_water = 7, .immediate = true},
                       [](Message&) {});
    CHECK(other.options_in_force().at("linger") == 300);
    CHECK(other.options_in_force().at("send_high_water") == 7);
    CHECK(other.options_in_force().at("immediate") == 1);
}

TEST_CASE("received bytes are aligned for words of eight bytes", "[bus]") {
    SocketBench b;
    int misaligned = 0;
    std::size_t bytes = 0;
    Socket server(b.context, b.f.loop, SocketKind::Router, {}, [&](Message& message) {
        for (const auto& frame : message.frames) {
            misaligned += reinterpret_cast<std::uintptr_t>(frame.bytes().data()) % 8 == 0 ? 0 : 1;
        }
        bytes += message.frames.back().size();
    });
    REQUIRE(server.bind(b.endpoint));
    auto client = b.client();
    std::size_t sent = 0;
    for (std::size_t size = 1; size < 900; ++size) {
        REQUIRE(client.send(frames_of({std::string(size, 'x')})));
        sent += size;
    }
    b.f.run_until([&] { return bytes == sent; });
    CHECK(misaligned == 0);
}

TEST_CASE("a queue without a reader fills up, reports it, and loses nothing", "[bus]") {
    SocketBench b;
    auto client = b.client({.send_high_water = 100});
    int accepted = 0;
    ctys::Status last;
    while ((last = client.send(frames_of({std::to_string(accepted)})))) {
        REQUIRE(++accepted < 10'000);
    }
    CHECK(last.error().code == ErrorCode::Overloaded);
    CHECK(accepted == 100);
    CHECK(client.counters().overloaded == 1);

    auto server = b.server();
    b.await_bodies(100);
    b.f.drain();
    REQUIRE(b.server_inbox.bodies.size() == 100);
    CHECK(b.server_inbox.bodies.front() == "0");
    CHECK(b.server_inbox.bodies.back() == "99");
    CHECK(client.send(frames_of({"again"})));
}

TEST_CASE("an immediate dealer queues nothing for an absent peer", "[bus]") {
    SocketBench b;
    auto client = b.client({.immediate = true});
    auto frames = frames_of({"kept"});
    CHECK(client.send(frames).error().code == ErrorCode::Overloaded);
    CHECK(frames.front().text() == "kept");
}

TEST_CASE("a router says that a peer is unknown and leaves the message alone", "[bus]") {
    SocketBench b;
    auto server = b.server();
    auto frames = frames_of({"nobody", "x"});
    CHECK(server.send(frames).error().code == ErrorCode::Unreachable);
    CHECK(frames[0].text() == "nobody");
    CHECK(frames[1].text() == "x");
    CHECK(server.counters().unreachable == 1);
}

TEST_CASE("an oversized frame ends its connection and nobody else's", "[bus]") {
    SocketBench b;
    auto server = b.server({.max_frame_bytes = 1000});
    auto honest = b.client();
    RawPeer hostile(b.context, ZMQ_DEALER);
    ctys::support::Monitor monitor(b.context, hostile, ZMQ_EVENT_DISCONNECTED);
    hostile.connect(b.endpoint.to_string());
    REQUIRE(hostile.send("small"));
    b.await_bodies(1);

    REQUIRE(hostile.send(std::string(1001, 'x')));
    CHECK(monitor.next() == ZMQ_EVENT_DISCONNECTED);
    REQUIRE(honest.send(frames_of({std::string(1000, 'y')})));

    b.await_bodies(2);
    CHECK(b.server_inbox.bodies.back() == std::string(1000, 'y'));
}

TEST_CASE("a message with too many frames or bytes is dropped and counted", "[bus]") {
    SocketBench b;
    auto server = b.server({.max_frames = 4, .max_message_bytes = 1000});
    auto client = b.client();
    REQUIRE(client.send(frames_of({"1", "2", "3", "4"}))); // with the routing id five
    REQUIRE(client.send(frames_of({std::string(600, 'a'), std::string(600, 'b')})));
    REQUIRE(client.send(frames_of({"1", "2", "fits"})));
    b.await_bodies(1);
    CHECK(b.server_inbox.bodies == std::vector<std::string>{"fits"});
    CHECK(server.counters().oversized == 2);
}

TEST_CASE("a dealer finds its peer again after the peer was bound anew", "[bus]") {
    SocketBench b;
    auto client = b.client({.reconnect_first = 5ms, .reconnect_max = 20ms});
    {
        auto first = b.server();
        REQUIRE(client.send(frames_of({"one"})));
        b.await_bodies(1);
    }

    auto second = b.server();
    // What is sent before the client notices the end of the first connection is lost with it.
    ctys::loop::Timer again(b.f.loop);
    again.start_repeating(5ms, [&] { static_cast<void>(client.send(frames_of({"two"}))); });

    b.await_bodies(2);
    CHECK(b.server_inbox.bodies[1] == "two");
}

TEST_CASE("a subscriber gets what begins with its prefixes", "[bus]") {
    SocketBench b;
    auto feed = b.server({}, SocketKind::Xpub);
    auto subscriber = b.client({}, SocketKind::Sub);
    subscriber.subscribe("vm/1/");
    b.await_bodies(1);
    CHECK(b.server_inbox.bodies.back() == "\x01vm/1/");

    REQUIRE(feed.send(frames_of({"vm/10/", "other"})));
    REQUIRE(feed.send(frames_of({"vm/1/", "mine"})));
    b.f.run_until([&] { return !b.client_inbox.bodies.empty(); });
    CHECK(b.client_inbox.bodies == std::vector<std::string>{"mine"});

    subscriber.unsubscribe("vm/1/");
    b.await_bodies(2);
    CHECK(b.server_inbox.bodies.back() == std::string("\0vm/1/", 6));
}

TEST_CASE("a flood does not starve timers", "[bus]") {
    SocketBench b;
    std::size_t got = 0;
    std::size_t got_at_timer = 0;
    Socket server(b.context,
                  b.f.loop,
                  SocketKind::Router,
                  {.receive_high_water = 0, .receive_budget = 10},
                  [&](Message&) { ++got; });
    REQUIRE(server.bind(b.endpoint));
    auto client = b.client({.send_high_water = 0});
    for (int i = 0; i < 5000; ++i) {
        REQUIRE(client.send(frames_of({"x"})));
    }
    b.f.run_until([&] { return got >= 10; });
    ctys::loop::Timer timer(b.f.loop);
    timer.start_once(0ms, [&] { got_at_timer = got; });

    b.f.run_until([&] { return got == 5000; });
    CHECK(got_at_timer > 0);
    CHECK(got_at_timer < 5000);
}

TEST_CASE("a socket may be dropped while it delivers", "[bus]") {
    SocketBench b;
    std::optional<Socket> server;
    int got = 0;
    server.emplace(b.context, b.f.loop, SocketKind::Router, SocketOptions{}, [&](Message&) {
        ++got;
        server.reset();
    });
    REQUIRE(server->bind(b.endpoint));
    auto client = b.client();
    REQUIRE(client.send(frames_of({"one"})));
    REQUIRE(client.send(frames_of({"two"})));

    b.f.run_until([&] { return got > 0; });
    b.f.drain();
    CHECK(got == 1);
}

TEST_CASE("tcp is refused without keys, with a command that makes them", "[bus]") {
    SocketBench b;
    Socket socket(b.context, b.f.loop, SocketKind::Router, {}, [](Message&) {});
    const auto bound = socket.bind(Endpoint::parse("tcp://127.0.0.1:*").value());
    REQUIRE_FALSE(bound);
    CHECK(bound.error().code == ErrorCode::Refused);
    CHECK(bound.error().try_next == "ctys keys generate");
    CHECK_THAT(bound.error().message, Catch::Contains("ctys keys generate"));
    Socket dealer(b.context, b.f.loop, SocketKind::Dealer, {}, [](Message&) {});
    CHECK(dealer.connect(Endpoint::parse("tcp://lab02:7510").value()).error().code ==
          ErrorCode::Refused);
    CHECK(dealer.connect(Endpoint::parse("tcp://*:7510").value()).error().code == ErrorCode::Usage);
}
