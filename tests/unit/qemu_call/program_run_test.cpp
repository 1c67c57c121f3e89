#include "tools/qemu_call/program_run.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::call;

namespace {

constexpr std::chrono::seconds long_enough{30};

Result<ProgramEnd> run_script(const std::string& script,
                              std::chrono::milliseconds patience = long_enough) {
    return run_program({"sh", "-c", script}, patience);
}

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
