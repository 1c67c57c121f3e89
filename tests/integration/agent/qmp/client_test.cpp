#include "agent/qmp/client.h"
#include "mesh/loop/unix_listener.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/qmp_conversation.h"
#include "tests/support/scripted_qmp.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace ctys;
using namespace ctys::support;
using namespace std::chrono_literals;

namespace {

std::string answer(std::string_view value) {
    return fmt::format(R"({{"return": {}, "id": $ID}})", value);
}

/// What QEMU 7.2 says in hold_conversation(), recorded from one.
std::vector<QmpStep> conversation() {
    const std::vector<std::pair<const char*, const char*>> facts{
        {"query-status", R"({"status": "prelaunch", "singlestep": false, "running": false})"},
        {"query-name", "{}"},
        {"query-uuid", R"({"UUID": "00000000-0000-0000-0000-000000000000"})"},
        {"query-version", R"({"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "x"})"},
        {"query-kvm", R"({"enabled": false, "present": true})"},
        {"query-block", "[]"},
        {"query-cpus-fast", "[]"},
        {"query-chardev", "[]"},
        {"query-vnc", R"({"enabled": false})"}};
    std::vector<QmpStep> steps;
    for (const auto& [command, value] : facts) {
        steps.emplace_back(Expect{command});
        steps.emplace_back(Say{answer(value)});
    }
    steps.insert(
        steps.end(),
        {Expect{"no-such-command"},
         Say{R"({"id": $ID, "error": {"class": "CommandNotFound", "desc": "not found"}})"},
         Expect{"cont"},
         Say{R"({"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESUME"})"},
         Say{answer("{}")},
         Expect{"quit"},
         Say{R"({"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-qmp-quit"}})"},
         Say{answer("{}")},
         HangUp{}});
    return after_start(std::move(steps));
}

} // namespace

TEST_CASE("a client holds a conversation with a monitor it connects to", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient self;
    const auto qemu = ScriptedQmp::listen(fixture.loop, dir / "m", conversation());
    self.client = qmp::Client::connect(
                      fixture.loop, dir / "m", {.expected_pid = ::getpid()}, self.callbacks())
                      .value();

    hold_conversation(fixture, self);

    CHECK(qemu->is_done());
    CHECK(qemu->surprise().empty());
}

TEST_CASE("a client holds a conversation with a QEMU that dialled", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient self;
    auto listener =
        loop::UnixListener::open(fixture.loop, dir / "qmp.sock", [&](loop::UnixStream stream) {
            self.client = qmp::Client::accept(
                              fixture.loop, std::move(stream), {.generation = 3}, self.callbacks())
                              .value();
        });
    REQUIRE(listener);
    const auto qemu = ScriptedQmp::dial(fixture.loop, dir / "qmp.sock", conversation());
    fixture.run_until([&] { return self.client != nullptr; });
    CHECK(self.client->generation() == 3);
    CHECK(self.client->peer().pid == ::getpid());

    hold_conversation(fixture, self);
}

TEST_CASE("a monitor that serves somebody else is given up after the greeting's time", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient first;
    RecordingClient second;
    const auto qemu = ScriptedQmp::listen(fixture.loop, dir / "m", after_start({}));
    first.client = qmp::Client::connect(fixture.loop, dir / "m", {}, first.callbacks()).value();
    fixture.run_until([&] { return !first.heard.empty(); });

    second.client = qmp::Client::connect(
                        fixture.loop, dir / "m", {.limits = {.greeting = 30ms}}, second.callbacks())
                        .value();
    fixture.run_until([&] { return second.closed; });

    CHECK(second.heard == std::vector<std::string>{"closed timed-out"});
    CHECK(first.heard == std::vector<std::string>{"ready 7.2.22"});
}

TEST_CASE("another process than the expected one at a monitor is refused", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    const auto qemu = ScriptedQmp::listen(fixture.loop, dir / "m", after_start({}));

    const auto client = qmp::Client::connect(fixture.loop, dir / "m", {.expected_pid = 1}, {});

    REQUIRE_FALSE(client);
    CHECK(client.error().code == ErrorCode::Refused);
    CHECK(qmp::Client::connect(fixture.loop, dir / "none", {}, {}).error().code ==
          ErrorCode::NotFound);
}

TEST_CASE("a command that is not answered times out and the session goes on", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient self;
    const auto qemu = ScriptedQmp::listen(
        fixture.loop,
        dir / "m",
        after_start({Expect{"hang"}, Expect{"query-name"}, Say{answer("{\"name\":\"x\"}")}}));
    self.client = qmp::Client::connect(fixture.loop, dir / "m", {}, self.callbacks()).value();

    self.ask("hang", 20ms);
    fixture.run_until([&] { return self.has("hang: timed out"); });
    self.ask("query-name");
    fixture.run_until([&] { return self.has("query-name: done {\"name\":\"x\"}"); });

    CHECK_FALSE(self.closed);
}

TEST_CASE("what is pending is interrupted when the connection ends or is stopped", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    RecordingClient self;
    const bool by_us = GENERATE(false, true);
    std::vector<QmpStep> steps{Expect{"hang"}};
    if (!by_us) steps.emplace_back(HangUp{});
    const auto qemu = ScriptedQmp::listen(fixture.loop, dir / "m", after_start(steps));
    self.client = qmp::Client::connect(fixture.loop, dir / "m", {}, self.callbacks()).value();
    self.ask("hang");
    fixture.run_until([&] { return by_us ? qemu->is_done() : self.closed; });

    self.client->stop();
    self.client->stop();

    CHECK(self.heard ==
          std::vector<std::string>{"ready 7.2.22",
                                   "hang: interrupted",
                                   by_us ? "closed cancelled" : "closed unreachable"});
    const auto late = self.client->execute("x", {}, 1s, [](const qmp::Reply&) {});
    CHECK(late.error().code == ErrorCode::Unreachable);
}

TEST_CASE("every callback may drop the client", "[qmp]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    const auto where = GENERATE(as<std::string>{}, "ready", "event", "reply", "closed");
    const auto qemu = ScriptedQmp::listen(
        fixture.loop,
        dir / "m",
        after_start({Expect{"stop"}, Say{R"({"event": "STOP"})"}, Say{answer("{}")}, HangUp{}}));
    std::unique_ptr<qmp::Client> client;
    std::vector<std::string> heard;
    const auto on = [&](const std::string& what) {
        heard.push_back(what);
        if (what == where) client.reset();
    };
    client = qmp::Client::connect(fixture.loop,
                                  dir / "m",
                                  {},
                                  {.on_ready = [&](const qmp::Ready&) { on("ready"); },
                                   .on_event = [&](const qmp::Event&) { on("event"); },
                                   .on_closed = [&](const Error&) { on("closed"); }})
                 .value();
    REQUIRE(client->execute("stop", {}, 10s, [&](const qmp::Reply&) { on("reply"); }));

    fixture.run_until([&] { return client == nullptr && (qemu->is_done() || qemu->saw_end()); });
    fixture.drain();

    CHECK(heard.back() == where);
}
