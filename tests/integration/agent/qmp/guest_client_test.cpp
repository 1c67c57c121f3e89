#include "agent/qmp/guest_client.h"
#include "tests/support/guest_conversation.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/scripted_guest.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace ctys;
using namespace ctys::support;
using namespace std::chrono_literals;

namespace {

using Received = std::vector<std::string>;

/// A guest that is asked to power off, and how that ended.
struct Asking : LoopFixture {
    TemporaryDirectory dir;
    std::unique_ptr<ScriptedGuest> guest;
    std::optional<Result<qmp::GuestAnswer>> end;
    std::unique_ptr<qmp::GuestClient> client;

    void has(const std::string& answer) {
        guest = ScriptedGuest::listen(
            loop, dir / "ga.sock", [answer](const auto&, const auto&) { return answer; });
    }
    void ask(qmp::GuestTalkLimits limits, std::optional<pid_t> pid = ::getpid()) {
        client = qmp::GuestClient::connect(loop,
                                           dir / "ga.sock",
                                           {},
                                           {.expected_pid = pid, .limits = limits},
                                           [this](const auto& how) {
                                               client.reset();
                                               end = how;
                                           })
                     .value();
        run_until([&] { return end.has_value(); });
    }
    [[nodiscard]] ErrorCode code() const { return end->error().code; }
};

// Long where the guest ends it, short where nothing but time does.
constexpr qmp::GuestTalkLimits long_ones{.sync = 20s, .answer = 20s};
constexpr qmp::GuestTalkLimits short_sync{.sync = 20ms, .answer = 20s};
constexpr qmp::GuestTalkLimits short_answer{.sync = 20s, .answer = 20ms};

} // namespace

TEST_CASE("a client holds a conversation with a guest", "[qga]") {
    LoopFixture fixture;
    TemporaryDirectory dir;
    const auto guest = ScriptedGuest::listen(fixture.loop, dir / "ga.sock", well_behaved_guest());

    const auto heard = hold_guest_conversation(
        fixture.loop, dir / "ga.sock", [&](const auto& done) { fixture.run_until(done); });

    CHECK(heard == expected_guest_conversation());
}

TEST_CASE_METHOD(Asking, "a guest that says nothing to the request has taken it", "[qga]") {
    has("");
    guest->leave_over("{\"return\": {}}\nhalf a line");
    ask(short_answer);
    CHECK(end->has_value());
    CHECK(guest->received() == Received{"guest-sync-delimited", "guest-shutdown"});
}

TEST_CASE_METHOD(Asking, "a guest refuses the request", "[qga]") {
    has("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no /sbin/shutdown\"}}\n");
    ask(long_ones);
    CHECK(end->error().message == "it refused: no /sbin/shutdown");
}

TEST_CASE_METHOD(Asking, "a guest that answers no sync is asked for nothing", "[qga]") {
    has("");
    guest->fall_silent();
    ask(short_sync);
    CHECK(code() == ErrorCode::TimedOut);
    CHECK(guest->received() == Received{"guest-sync-delimited"});
}

TEST_CASE_METHOD(Asking, "a guest that talks nonsense is given up", "[qga]") {
    has("HTTP/1.1 400 Bad Request\r\n");
    ask(long_ones);
    CHECK(code() == ErrorCode::Malformed);
}

TEST_CASE_METHOD(Asking, "a socket of another process is sent nothing", "[qga]") {
    has("");
    const auto refused = qmp::GuestClient::connect(
        loop, dir / "ga.sock", {}, {.expected_pid = 1, .limits = {}}, [](const auto&) {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Refused);
    drain();
    CHECK(guest->received().empty());
}

TEST_CASE_METHOD(Asking, "where nobody listens nobody is asked", "[qga]") {
    CHECK_FALSE(qmp::GuestClient::connect(loop, dir / "ga.sock", {}, {}, [](const auto&) {}));
}

TEST_CASE_METHOD(Asking, "a guest that hangs up was not asked", "[qga]") {
    guest = ScriptedGuest::listen(
        loop, dir / "ga.sock", [](const auto&, const auto&) { return std::string{}; });
    guest->fall_silent();
    std::optional<Result<qmp::GuestAnswer>> how;
    client = qmp::GuestClient::connect(loop,
                                       dir / "ga.sock",
                                       {},
                                       {.expected_pid = {}, .limits = long_ones},
                                       [&](const auto& told) { how = told; })
                 .value();
    run_until([&] { return !guest->received().empty(); });
    guest->hang_up();
    run_until([&] { return how.has_value(); });
    CHECK(how->error().code == ErrorCode::Unreachable);
}

TEST_CASE_METHOD(Asking, "who lets go of a talk hears nothing of it any more", "[qga]") {
    has("");
    bool was_told = false;
    client = qmp::GuestClient::connect(loop,
                                       dir / "ga.sock",
                                       {},
                                       {.expected_pid = {}, .limits = long_ones},
                                       [&](const auto&) { was_told = true; })
                 .value();
    run_until([&] { return guest->received().size() == 2; });
    client.reset();
    guest->hang_up();
    drain();
    CHECK_FALSE(was_told);
}
