#include "mesh/loop/child_process.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <fstream>
#include <optional>
#include <signal.h>
#include <sstream>
#include <unistd.h>

using namespace std::chrono_literals;
using ctys::ErrorCode;
using ctys::loop::ChildProcess;
using ctys::loop::ChildResult;
using ctys::loop::ChildSpec;
using ctys::loop::ToFile;
using ctys::loop::ToMemory;
using ctys::loop::WhenDropped;
using ctys::support::LoopFixture;

namespace {

ChildSpec shell(std::string script) {
    return {.argv = {"sh", "-c", std::move(script)}, .output = ToMemory{}, .errors = ToMemory{}};
}

ChildResult finish(LoopFixture& f, ChildSpec spec) {
    std::optional<ChildResult> result;
    auto child = ChildProcess::start(
        f.loop, std::move(spec), [&](const ChildResult& done) { result = done; });
    REQUIRE(child);
    f.run_until([&] { return result.has_value(); });
    return *result;
}

bool is_gone(pid_t pid) {
    return ::kill(pid, 0) != 0;
}

std::string content(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
}

} // namespace

TEST_CASE("a child's outputs and exit status come in one completion", "[loop][child]") {
    LoopFixture f;
    const auto result = finish(f, shell("echo out; echo err >/dev/stderr; exit 3"));
    CHECK(result.output == "out\n");
    CHECK(result.errors == "err\n");
    CHECK(result.exit_status == 3);
    CHECK(result.term_signal == 0);
    CHECK_FALSE(result.timed_out);
    CHECK_FALSE(result.truncated);
}

TEST_CASE("input is given to the child and then ends", "[loop][child]") {
    LoopFixture f;
    auto spec = shell("wc -c");
    spec.input = std::string(300'000, 'x');
    CHECK(finish(f, std::move(spec)).output == "300000\n");
}

TEST_CASE("a child that does not read its input is no error", "[loop][child]") {
    LoopFixture f;
    auto spec = shell("exec true");
    spec.input = std::string(1'000'000, 'x');
    CHECK(finish(f, std::move(spec)).exit_status == 0);
}

TEST_CASE("output beyond the limit is cut and reported", "[loop][child]") {
    LoopFixture f;
    auto spec = shell("head -c 100000 /dev/zero");
    spec.output = ToMemory{.limit = 1000};
    const auto result = finish(f, std::move(spec));
    CHECK(result.output.size() == 1000);
    CHECK(result.truncated);
    CHECK(result.exit_status == 0);
}

TEST_CASE("environment and directory of a child are as asked", "[loop][child]") {
    LoopFixture f;
    const ctys::support::TemporaryDirectory dir;
    auto spec = shell("echo $A${HOME-none}; pwd");
    spec.argv[0] = "/bin/sh";
    spec.env = {"A=1"};
    spec.cwd = dir.path();
    CHECK(finish(f, std::move(spec)).output == "1none\n" + dir.path() + "\n");
}

TEST_CASE("output can be appended to a file", "[loop][child]") {
    LoopFixture f;
    const ctys::support::TemporaryDirectory dir;
    for (int i = 0; i < 2; ++i) {
        auto spec = shell("echo line");
        spec.output = ToFile{dir / "log"};
        finish(f, std::move(spec));
    }
    CHECK(content(dir / "log") == "line\nline\n");
}

TEST_CASE("a program or folder that does not exist is an error value", "[loop][child]") {
    LoopFixture f;
    const auto never = [](const ChildResult&) {};
    const auto no_program = ChildProcess::start(f.loop, {.argv = {"/no/such"}}, never);
    REQUIRE_FALSE(no_program);
    CHECK(no_program.error().code == ErrorCode::NotFound);
    CHECK(no_program.error().message == "start /no/such: No such file or directory");

    const auto no_folder =
        ChildProcess::start(f.loop, {.argv = {"true"}, .cwd = "/no/such"}, never);
    CHECK(no_folder.error().code == ErrorCode::NotFound);
    CHECK(ChildProcess::start(f.loop, {}, never).error().code == ErrorCode::Usage);
    CHECK(f.loop.open_handles().empty());
}

TEST_CASE("at its deadline a child dies with the whole of its session", "[loop][child]") {
    LoopFixture f;
    // The grandchild ignores SIGTERM and holds the output open: only SIGKILL to the group ends
    // both.
    auto spec = shell("trap '' TERM; sleep 600 & echo $!; wait; sleep 600");
    spec.new_session = true;
    spec.deadline = 300ms;
    const auto result = finish(f, std::move(spec));
    CHECK(result.timed_out);
    CHECK(result.term_signal == SIGKILL);
    const auto grandchild = static_cast<pid_t>(std::stol(result.output));
    f.run_until([&] { return is_gone(grandchild); });
}

TEST_CASE("a grandchild that keeps the output does not hold up the completion", "[loop][child]") {
    LoopFixture f;
    const auto result = finish(f, shell("sleep 600 & echo $!"));
    CHECK(result.exit_status == 0);
    const auto grandchild = static_cast<pid_t>(std::stol(result.output));
    REQUIRE_FALSE(is_gone(grandchild));
    ::kill(grandchild, SIGKILL);
}

TEST_CASE("a new session has its own leader", "[loop][child]") {
    LoopFixture f;
    auto spec = shell("cut -d' ' -f6 /proc/$$/stat; echo $$");
    spec.new_session = true;
    std::istringstream words(finish(f, std::move(spec)).output);
    pid_t session = 0;
    pid_t self = 0;
    words >> session >> self;
    CHECK(session == self);
    CHECK(session > 0);
}

TEST_CASE("a running child can be signalled, an ended one cannot", "[loop][child]") {
    LoopFixture f;
    std::optional<ChildResult> result;
    auto child = ChildProcess::start(
        f.loop, {.argv = {"sleep", "600"}}, [&](const auto& done) { result = done; });
    REQUIRE(child);
    CHECK(child->kill(SIGTERM));
    f.run_until([&] { return result.has_value(); });
    CHECK(result->term_signal == SIGTERM);
    CHECK(child->kill(SIGTERM).error().code == ErrorCode::NotFound);
    f.drain();
    CHECK(child->pid() > 0);
}

TEST_CASE("a dropped child is killed and reaped, or left running if asked", "[loop][child]") {
    LoopFixture f;
    bool completed = false;
    const auto start = [&](WhenDropped policy) {
        auto child = ChildProcess::start(f.loop,
                                         {.argv = {"sleep", "600"}, .when_dropped = policy},
                                         [&](const ChildResult&) { completed = true; });
        REQUIRE(child);
        return child->pid();
    };

    const auto killed = start(WhenDropped::Kill);
    f.run_until([&] { return is_gone(killed); });
    const auto left = start(WhenDropped::Leave);
    f.drain();
    CHECK_FALSE(is_gone(left));

    ::kill(left, SIGKILL);
    f.run_until([&] { return is_gone(left); });
    CHECK_FALSE(completed);
}

TEST_CASE("a child that outlives the loop does not hold it", "[loop][child]") {
    pid_t pid = 0;
    {
        LoopFixture f;
        auto child =
            ChildProcess::start(f.loop,
                                {.argv = {"sleep", "600"}, .when_dropped = WhenDropped::Leave},
                                [](const ChildResult&) {});
        REQUIRE(child);
        pid = child->pid();
    }
    CHECK_FALSE(is_gone(pid));
    ::kill(pid, SIGKILL);
}
