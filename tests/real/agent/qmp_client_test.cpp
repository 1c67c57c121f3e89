#include "agent/qmp/client.h"
#include "mesh/loop/unix_listener.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/qmp_conversation.h"
#include "tests/support/real_qemu.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <csignal>

using namespace ctys;
using namespace ctys::support;

namespace {

std::vector<std::string> dialling(const std::string& path) {
    return {"-chardev",
            "socket,id=agent,path=" + path + ",reconnect=1",
            "-mon",
            "chardev=agent,mode=control"};
}

} // namespace

TEST_CASE("a QEMU that dials holds the conversation of the script", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient self;
    std::optional<pid_t> peer;
    auto listener =
        loop::UnixListener::open(fixture.loop, dir / "qmp.sock", [&](loop::UnixStream stream) {
            peer = stream.peer().pid;
            self.client =
                qmp::Client::accept(fixture.loop, std::move(stream), {}, self.callbacks()).value();
        });
    REQUIRE(listener);
    RealQemu qemu(fixture.loop, dialling(dir / "qmp.sock"));
    fixture.run_until([&] { return self.client != nullptr; });

    CHECK(peer == qemu.pid());
    hold_conversation(fixture, self);

    fixture.run_until([&] { return qemu.result().has_value(); });
    CHECK(qemu.result()->exit_status == 0);
}

TEST_CASE("a QEMU redials when the agent lets go of it", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    std::vector<std::unique_ptr<qmp::Client>> clients;
    int ready = 0;
    auto listener =
        loop::UnixListener::open(fixture.loop, dir / "qmp.sock", [&](loop::UnixStream stream) {
            clients.push_back(qmp::Client::accept(fixture.loop,
                                                  std::move(stream),
                                                  {.generation = clients.size() + 1},
                                                  {.on_ready = [&](const qmp::Ready&) { ++ready; }})
                                  .value());
        });
    REQUIRE(listener);
    RealQemu qemu(fixture.loop, dialling(dir / "qmp.sock"));
    fixture.run_until([&] { return ready == 1; });

    clients.front()->stop();
    fixture.run_until([&] { return ready == 2; });

    CHECK(clients.back()->generation() == 2);
}

TEST_CASE("a foreign monitor is used if it is free and given up if it is not", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient first;
    RecordingClient second;
    RealQemu qemu(fixture.loop, {"-qmp", "unix:" + (dir / "m") + ",server=on,wait=off"});
    fixture.run_until([&] {
        auto client = qmp::Client::connect(
            fixture.loop, dir / "m", {.expected_pid = qemu.pid()}, first.callbacks());
        if (client) first.client = std::move(*client);
        return first.client != nullptr;
    });
    fixture.run_until([&] { return !first.heard.empty(); });

    second.client = qmp::Client::connect(fixture.loop,
                                         dir / "m",
                                         {.limits = {.greeting = std::chrono::milliseconds{100}}},
                                         second.callbacks())
                        .value();
    fixture.run_until([&] { return second.closed; });

    CHECK(second.heard == std::vector<std::string>{"closed timed-out"});
    hold_conversation(fixture, first);
}

TEST_CASE("a killed QEMU is an interrupted session without events", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient self;
    auto listener =
        loop::UnixListener::open(fixture.loop, dir / "qmp.sock", [&](loop::UnixStream stream) {
            self.client =
                qmp::Client::accept(fixture.loop, std::move(stream), {}, self.callbacks()).value();
        });
    REQUIRE(listener);
    RealQemu qemu(fixture.loop, dialling(dir / "qmp.sock"));
    fixture.run_until([&] { return !self.heard.empty(); });

    self.heard.clear();
    qemu.kill(SIGKILL);
    fixture.run_until([&] { return self.closed && qemu.result().has_value(); });

    CHECK(self.heard == std::vector<std::string>{"closed unreachable"});
    CHECK(qemu.result()->term_signal == SIGKILL);
}
