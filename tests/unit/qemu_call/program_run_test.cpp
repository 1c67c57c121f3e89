#include "tools/qemu_call/program_run.h"

#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <poll.h>
#include <string>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

namespace {

constexpr std::chrono::seconds long_enough{30};

Result<ProgramEnd> run_script(const std::string& script,
                              std::chrono::milliseconds patience = long_enough) {
    return run_program({"sh", "-c", script}, patience);
}

/// A descriptor that whoever is begun meanwhile holds open, and all that it begins.
class Holders {
public:
    Holders() { REQUIRE(::pipe(ends_.data()) == 0); }
    ~Holders() {
        ::close(ends_[0]);
        close_own();
    }
    Holders(const Holders&) = delete;
    Holders& operator=(const Holders&) = delete;

    bool are_gone() {
        close_own();
        pollfd one{ends_[0], POLLIN, 0};
        constexpr int bound_ms = 10'000;
        return ::poll(&one, 1, bound_ms) == 1 && (one.revents & POLLHUP) != 0;
    }

private:
    void close_own() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }
    std::array<int, 2> ends_{};
};

constexpr auto has_children = "(tail -f /dev/null & wait) >/dev/null 2>&1 & "
                              "tail -f /dev/null >/dev/null 2>&1 & ";

} // namespace

TEST_CASE("what a program says on both outputs comes with its status", "[call]") {
    const auto end = run_script("echo out; echo err >&2; exit 3").value();

    CHECK(end.status == 3);
    CHECK(end.said == "out\nerr\n");
    CHECK_FALSE(end.cut);
}

TEST_CASE("a program has nothing to read, and its signal is told", "[call]") {
    CHECK(run_script("cat").value().said.empty());
    CHECK(run_script("kill -KILL $$").value().status == 128 + 9);
}

TEST_CASE("a program that is not there cannot be run", "[call]") {
    const auto end = run_program({"ctys-no-such-program"}, long_enough);

    REQUIRE_FALSE(end);
    CHECK(end.error().code == ErrorCode::Failed);
    CHECK(end.error().message == "cannot run ctys-no-such-program: No such file or directory");
}

TEST_CASE("a program that hangs is ended, with or without its output", "[call]") {
    const auto script = GENERATE(
        as<std::string>{}, "exec tail -f /dev/null", "exec tail -f /dev/null >/dev/null 2>&1");

    const auto end = run_script(script, std::chrono::milliseconds{50});

    REQUIRE_FALSE(end);
    CHECK(end.error().code == ErrorCode::TimedOut);
}

TEST_CASE("a program that says too much is ended", "[call]") {
    const auto end = run_program({"yes"}, long_enough).value();

    CHECK(end.cut);
    CHECK(end.said.size() < 2 * max_said_bytes);
}

TEST_CASE("a program is ended with its children and theirs", "[call]") {
    const auto last = GENERATE(as<std::string>{}, "exec yes", "wait");
    Holders holders;

    const auto end = run_script(has_children + last, std::chrono::seconds{last == "wait" ? 1 : 30});

    CHECK((last == "wait" ? !end : end && end->cut));
    CHECK(holders.are_gone());
}

TEST_CASE("what a program leaves behind that ended in time goes on", "[call]") {
    Holders holders;

    const auto end = run_script("tail -f /dev/null >/dev/null 2>&1 & echo $!").value();
    const auto pid = static_cast<pid_t>(std::stol(end.said));

    CHECK(::kill(pid, SIGKILL) == 0);
    CHECK(holders.are_gone());
}
