#include "mesh/bus/peer_identity.h"

#include <catch2/catch.hpp>

using ctys::bus::identify;
using ctys::bus::PeerIdentity;
using Kind = PeerIdentity::Kind;

TEST_CASE("an ipc peer is its user, whatever it says itself", "[bus]") {
    const PeerIdentity user{.kind = Kind::User, .uid = 1000, .gid = 100, .pid = 4242};
    CHECK(identify("localhost:1000:100:4242", "", false) == user);
    CHECK(identify("localhost:1000:100:4242", "admin", true) == user);
}

TEST_CASE("a tcp peer is the name of its key, if keys are enforced", "[bus]") {
    const PeerIdentity key{.kind = Kind::Key, .name = "lab02"};
    CHECK(identify("127.0.0.1", "lab02", true) == key);
    CHECK(identify("127.0.0.1", "lab02", false).is_anonymous());
    CHECK(identify("127.0.0.1", "", true).is_anonymous());
    CHECK(identify("", "lab02", true).is_anonymous());
}

TEST_CASE("a malformed ipc address is nobody", "[bus]") {
    const auto address = GENERATE(as<std::string>(),
                                  "localhost:",
                                  "localhost:0",
                                  "localhost:0:0",
                                  "localhost:0:0:",
                                  "localhost:0:0:1:2",
                                  "localhost:-1:0:1x",
                                  "localhost:99999999999999999999:0:1",
                                  "localhost::0:1");
    CHECK(identify(address, "admin", true) == PeerIdentity{});
}
