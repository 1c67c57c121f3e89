#include "mesh/bus/endpoint.h"

#include <catch2/catch.hpp>

using ctys::ErrorCode;
using ctys::bus::Endpoint;

TEST_CASE("endpoints keep their text and know their transport", "[bus]") {
    const auto text = GENERATE(as<std::string>(),
                               "ipc:///run/ctys/broker/mesh",
                               "tcp://lab02:7510",
                               "tcp://10.0.2.2:1",
                               "tcp://*:65535",
                               "tcp://127.0.0.1:*");
    const auto endpoint = Endpoint::parse(text);
    REQUIRE(endpoint);
    CHECK(endpoint->to_string() == text);
    CHECK(endpoint->is_tcp() == text.starts_with("tcp"));
    CHECK(endpoint->is_wildcard() == (text.find('*') != std::string::npos));
}

TEST_CASE("endpoints that cannot work are refused with a reason", "[bus]") {
    const auto [text, why] =
        GENERATE(table<std::string, std::string>({{"", "is expected"},
                                                  {"lab02:7510", "is expected"},
                                                  {"inproc://x", "is expected"},
                                                  {"ipc://", "absolute path"},
                                                  {"ipc://mesh", "absolute path"},
                                                  {"ipc://@abstract", "absolute path"},
                                                  {std::string("ipc:///a\0b", 10), "not text"},
                                                  {"tcp://lab02", "port is expected"},
                                                  {"tcp://lab02:", "1 to 65535"},
                                                  {"tcp://lab02:0", "1 to 65535"},
                                                  {"tcp://lab02:65536", "1 to 65535"},
                                                  {"tcp://lab02:75x", "1 to 65535"},
                                                  {"tcp://:7510", "not a name"},
                                                  {"tcp://eth0;x:7510", "not a name"},
                                                  {"tcp://[::1]:7510", "IPv6"}}));
    const auto endpoint = Endpoint::parse(text);
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().code == ErrorCode::Usage);
    CHECK_THAT(endpoint.error().message, Catch::Contains(why));
}

TEST_CASE("an ipc path may have 107 bytes", "[bus]") {
    const auto longest = "/" + std::string(106, 'p');
    CHECK(Endpoint::ipc(longest)->path() == longest);
    CHECK_THAT(Endpoint::ipc(longest + "p").error().message, Catch::Contains("108 bytes"));
}
