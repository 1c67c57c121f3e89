#include "mesh/loop/unix_listener.h"
#include "mesh/loop/unix_stream.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <unistd.h>

using ctys::ErrorCode;
using ctys::Status;
using ctys::loop::UnixListener;
using ctys::loop::UnixStream;
using ctys::support::LoopFixture;
using ctys::support::TemporaryDirectory;

namespace {

/// A connected pair: `client` dialled, `server` was accepted.
struct Pair {
    LoopFixture f;
    TemporaryDirectory dir;
    std::optional<UnixStream> server;
    std::optional<UnixListener> listener;
    std::optional<UnixStream> client;

    Pair() {
        auto opened = UnixListener::open(
            f.loop, dir / "s", [this](UnixStream stream) { server = std::move(stream); });
        REQUIRE(opened);
        listener = std::move(*opened);
        auto dialled = UnixStream::connect(f.loop, dir / "s");
        REQUIRE(dialled);
        client = std::move(*dialled);
        f.run_until([this] { return server.has_value(); });
    }
};

std::string text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ignore_data(std::span<const std::byte>) {}

} // namespace

TEST_CASE("both ends know each other's credentials", "[loop][unix]") {
    const Pair p;
    CHECK(p.server->peer().pid == ::getpid());
    CHECK(p.server->peer().uid == ::getuid());
    CHECK(p.server->peer().gid == ::getgid());
    CHECK(p.client->peer().pid == ::getpid());
}

TEST_CASE("bytes arrive in order and the end is reported once", "[loop][unix]") {
    Pair p;
    std::string got;
    int closes = 0;
    p.server->start([&](auto bytes) { got += text(bytes); },
                    [&](const Status& why) {
                        CHECK(why);
                        ++closes;
                    });

    CHECK(p.client->write("hello "));
    CHECK(p.client->write("world"));
    p.client->close();

    p.f.run_until([&] { return closes > 0; });
    p.f.drain();
    CHECK(got == "hello world");
    CHECK(closes == 1);
    CHECK(p.client->write("x").error().code == ErrorCode::Unreachable);
}

TEST_CASE("a stream may be dropped in its data callback", "[loop][unix]") {
    Pair p;
    bool dropped = false;
    p.server->start(
        [&](auto) {
            p.server.reset();
            dropped = true;
        },
        [](const Status&) { FAIL("dropped streams are silent"); });
    bool client_saw_end = false;
    p.client->start(ignore_data, [&](const Status&) { client_saw_end = true; });

    CHECK(p.client->write("x"));

    p.f.run_until([&] { return client_saw_end; });
    CHECK(dropped);
}

TEST_CASE("a peer that does not read makes write overloaded, and nothing is lost", "[loop][unix]") {
    Pair p;
    p.client->limit_queue(1'000'000);
    const std::string block(100'000, 'b');
    std::size_t accepted = 0;
    Status last;
    while ((last = p.client->write(block))) {
        accepted += block.size();
        REQUIRE(accepted < 100'000'000);
    }
    CHECK(last.error().code == ErrorCode::Overloaded);
    CHECK(p.client->queued_bytes() <= 1'000'000);

    std::size_t got = 0;
    p.server->start([&](auto bytes) { got += bytes.size(); }, [](const Status&) {});

    p.f.run_until([&] { return got == accepted; });
    CHECK(p.client->write(block));
}

TEST_CASE("a paused stream delivers nothing until it is started again", "[loop][unix]") {
    Pair p;
    std::string got;
    const auto take = [&](auto bytes) { got += text(bytes); };
    p.server->start(take, [](const Status&) {});
    p.server->pause();
    CHECK(p.client->write("later"));
    p.f.drain();
    CHECK(got.empty());

    p.server->start(take, [](const Status&) {});

    p.f.run_until([&] { return got == "later"; });
}

TEST_CASE("dropping a stream with queued bytes leaves nothing behind", "[loop][unix]") {
    Pair p;
    while (p.client->queued_bytes() == 0) {
        CHECK(p.client->write(std::string(100'000, 'b')));
    }
    p.client.reset();
    p.f.drain();
    p.server.reset();
    p.listener.reset();
    CHECK(p.f.loop.open_handles().empty());
}

TEST_CASE("a listener refuses a taken path, replaces it if told, and removes it", "[loop][unix]") {
    LoopFixture f;
    const TemporaryDirectory dir;
    const auto path = dir / "s";
    const auto never = [](UnixStream) {};
    {
        const auto first = UnixListener::open(f.loop, path, never);
        REQUIRE(first);
        CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::mask) ==
              std::filesystem::perms(0600));
        CHECK(UnixListener::open(f.loop, path, never).error().code == ErrorCode::Conflict);
        CHECK(UnixListener::open(f.loop, path, never, {.replace_stale = true}));
    }
    f.drain();
    CHECK_FALSE(std::filesystem::exists(path));

    std::ofstream(path) << "not a socket";
    CHECK_FALSE(UnixListener::open(f.loop, path, never, {.replace_stale = true}));
    CHECK(std::filesystem::is_regular_file(path));
}

TEST_CASE("paths that are too long and folders that are missing are errors", "[loop][unix]") {
    LoopFixture f;
    const TemporaryDirectory dir;
    const auto never = [](UnixStream) {};
    const auto longest = (dir / std::string(107 - dir.path().size() - 1, 'p'));
    REQUIRE(longest.size() == 107);
    CHECK(UnixListener::open(f.loop, longest, never));
    CHECK(UnixListener::open(f.loop, longest + "p", never).error().code == ErrorCode::Usage);
    CHECK(UnixStream::connect(f.loop, longest + "p").error().code == ErrorCode::Usage);
    CHECK(UnixListener::open(f.loop, "/no/such/s", never).error().code == ErrorCode::Refused);
    CHECK(UnixStream::connect(f.loop, "/no/such/s").error().code == ErrorCode::NotFound);
}
