#include "mesh/bus/socket.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <sys/time.h>

using namespace ctys;
using ctys::bus::Context;
using ctys::bus::Endpoint;
using ctys::bus::Message;
using ctys::bus::Socket;
using ctys::bus::SocketKind;

namespace {

/// Signals without end, as those of a process whose children come and go; calls are interrupted.
class SignalStorm {
public:
    SignalStorm() {
        struct sigaction action {};
        action.sa_handler = [](int) {};
        ::sigaction(SIGALRM, &action, &before_);
        const itimerval each{{0, 50}, {0, 50}};
        ::setitimer(ITIMER_REAL, &each, nullptr);
    }
    ~SignalStorm() {
        const itimerval none{};
        ::setitimer(ITIMER_REAL, &none, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }
    SignalStorm(const SignalStorm&) = delete;
    SignalStorm& operator=(const SignalStorm&) = delete;

private:
    struct sigaction before_ {};
};

} // namespace

TEST_CASE("signals interrupt no socket", "[bus]") {
    support::LoopFixture f;
    const support::TemporaryDirectory directory;
    Context context;
    const auto endpoint = Endpoint::ipc(directory / "s").value();
    constexpr std::size_t rounds = 20'000;
    std::size_t answered = 0;
    std::optional<Socket> server;
    server.emplace(context, f.loop, SocketKind::Router, bus::SocketOptions{}, [&](Message& m) {
        static_cast<void>(server->send(std::move(m.frames)));
    });
    REQUIRE(server->bind(endpoint));
    std::optional<Socket> client;
    const auto ask = [&] {
        bus::Frames frames;
        frames.emplace_back(std::string_view{"question"});
        REQUIRE(client->send(std::move(frames)));
    };
    client.emplace(context, f.loop, SocketKind::Dealer, bus::SocketOptions{}, [&](Message&) {
        if (++answered < rounds) ask();
    });
    REQUIRE(client->connect(endpoint));

    {
        const SignalStorm storm;
        ask();
        // In parts: a slow machine may take its time, as long as it comes forward.
        for (std::size_t part = 1000; part <= rounds; part += 1000) {
            f.run_until([&] { return answered >= part; });
        }
    }

    CHECK(answered == rounds);
}
