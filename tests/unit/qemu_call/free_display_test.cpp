#include "mesh/qemu/vnc.h"
#include "tools/qemu_call/free_display.h"

#include <catch2/catch.hpp>

#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

namespace {

constexpr std::uint32_t here = 700; // far from what a machine has

// As QEMU takes a port: with SO_REUSEADDR, and listening.
int serve_display(std::uint32_t display) {
    const int one = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(qemu::vnc_base_port + display));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(one, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::listen(one, 1) == 0)
        return one;
    ::close(one);
    return -1;
}

} // namespace

TEST_CASE("displays that are kept for VMs are different ones", "[call]") {
    FreeDisplay one;
    FreeDisplay other;
    const auto first = one.take(here, here + 50);
    const auto second = other.take(here, here + 50);

    REQUIRE(first);
    REQUIRE(second);
    CHECK(*first < *second);
}

TEST_CASE("the QEMU for which a display is kept can take it", "[call]") {
    FreeDisplay kept;
    const auto display = kept.take(here, here + 50);
    REQUIRE(display);

    const int server = serve_display(*display);

    CHECK(server >= 0);
    ::close(server);
}

TEST_CASE("a display that somebody serves is not free, and is so when nobody does", "[call]") {
    std::optional<std::uint32_t> display;
    {
        FreeDisplay kept;
        display = kept.take(here, here + 50).value();
    }
    const int server = serve_display(*display);
    REQUIRE(server >= 0);
    FreeDisplay other;

    const auto none = other.take(*display, *display);

    REQUIRE_FALSE(none);
    CHECK(none.error().message == "no VNC display of " + std::to_string(*display) + " to " +
                                      std::to_string(*display) + " is free");
    ::close(server);
    CHECK(other.take(*display, *display) == *display);
}
