#include "agent/shell/guest_channels.h"
#include "mesh/loop/unix_listener.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/scripted_guest.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace ctys;
using namespace ctys::agent;
using namespace ctys::support;
using namespace std::chrono_literals;

namespace {

/// The instance directory of a QEMU that is this very process, and what its guest answered.
struct OneChannel : LoopFixture {
    TemporaryDirectory dir;
    std::vector<GuestAnswered> answers;
    GuestChannels channels{loop,
                           [this](GuestAnswered told) { answers.push_back(std::move(told)); }};
    std::unique_ptr<ScriptedGuest> guest;

    void has(ScriptedGuest::Answer answer) {
        guest = ScriptedGuest::listen(loop, dir / "ga.sock", std::move(answer));
    }
    static AskGuest question(std::uint64_t number) {
        return {
            .key = {.boot = {}, .pid = static_cast<std::uint32_t>(::getpid()), .start_ticks = 1},
            .number = number,
            .sync = 20s,
            .answer = 20s};
    }
    void await(std::size_t count) {
        run_until([&] { return answers.size() == count; });
    }
};

std::string refuses(const std::string& /*name*/, const qmp::Value& /*arguments*/) {
    return "{\"error\": {\"desc\": \"no\"}}\n";
}

} // namespace

TEST_CASE_METHOD(OneChannel, "A channel is there where QEMU has made its socket", "[agent]") {
    CHECK_FALSE(GuestChannels::is_there(dir.path()));
    std::ofstream{dir / "ga.sock"} << "no socket";
    CHECK_FALSE(GuestChannels::is_there(dir.path()));
    std::filesystem::remove(dir / "ga.sock");
    has(refuses);
    CHECK(GuestChannels::is_there(dir.path()));

    std::filesystem::create_directory(dir / "other");
    std::filesystem::create_symlink(dir / "ga.sock", dir / "other/ga.sock");
    CHECK_FALSE(GuestChannels::is_there(dir / "other"));
}

TEST_CASE_METHOD(OneChannel, "Every question to a guest is answered once", "[agent]") {
    has(refuses);
    channels.ask(question(1), dir.path());
    CHECK(answers.empty());
    await(1);
    CHECK(answers[0].number == 1);
    CHECK(answers[0].error->message == "it refused: no");

    auto init = question(2);
    init.what = AskGuest::What::RunLevel;
    init.level = 3;
    channels.ask(init, dir.path());
    await(2);
    CHECK(guest->received().back() == "guest-exec");
}

TEST_CASE_METHOD(OneChannel,
                 "A second question to a guest takes the place of the first",
                 "[agent]") {
    has([](const std::string&, const qmp::Value&) { return std::string{}; });
    channels.ask(question(1), dir.path());
    auto brief = question(2);
    brief.answer = 20ms;
    channels.ask(brief, dir.path());

    await(2);
    CHECK(answers[0].number == 1);
    CHECK(answers[0].error->code == ErrorCode::Conflict);
    CHECK(answers[1].number == 2);
    CHECK_FALSE(answers[1].error);
}

TEST_CASE_METHOD(OneChannel,
                 "An answer that comes with the next question does not end that one",
                 "[agent]") {
    has([](const std::string&, const qmp::Value&) { return std::string{}; });
    channels.ask(question(1), dir.path());
    run_until([&] { return guest->received().size() == 2; });
    // Both are there when the loop looks: first what makes it ask anew, then the old answer.
    std::vector<loop::UnixStream> callers;
    const auto doorbell =
        loop::UnixListener::open(loop, dir / "doorbell.sock", [&](loop::UnixStream caller) {
            callers.push_back(std::move(caller));
        });
    auto bell = loop::UnixStream::connect(loop, dir / "doorbell.sock").value();
    run_until([&] { return !callers.empty(); });
    callers[0].start([&](auto) { channels.ask(question(2), dir.path()); }, [](const Status&) {});
    drain();
    REQUIRE(bell.write("!"));
    guest->say("{\"error\": {\"desc\": \"no\"}}\n");

    run_until([&] { return guest->received().size() == 4; });
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].number == 1);
    guest->say("{\"error\": {\"desc\": \"late\"}}\n");
    await(2);
    CHECK(answers[1].number == 2);
    CHECK(answers[1].error->message == "it refused: late");
}

TEST_CASE_METHOD(OneChannel, "A socket that is not of the VM's own QEMU is not used", "[agent]") {
    has(refuses);
    auto of_another = question(1);
    of_another.key.pid = 1;
    channels.ask(of_another, dir.path());
    CHECK(answers.empty());
    await(1);
    CHECK(answers[0].error->code == ErrorCode::Refused);
    CHECK(guest->received().empty());
}

TEST_CASE_METHOD(OneChannel, "Of a VM that is forgotten nothing is told", "[agent]") {
    has([](const std::string&, const qmp::Value&) { return std::string{}; });
    channels.ask(question(1), dir.path());
    run_until([&] { return guest->received().size() == 2; });
    channels.forget(question(1).key);
    guest->hang_up();
    drain();
    CHECK(answers.empty());
}
