#include "mesh/loop/child_process.h"
#include "mesh/loop/pid_watch.h"
#include "tests/support/loop_fixture.h"

#include <optional>
#include <signal.h>
#include <unistd.h>

using ctys::ErrorCode;
using ctys::loop::ChildProcess;
using ctys::loop::ChildResult;
using ctys::loop::PidWatch;
using ctys::support::LoopFixture;

namespace {

/// A process that is no child of this one: its parent has ended.
pid_t start_orphan(LoopFixture& f) {
    std::optional<ChildResult> result;
    auto child = ChildProcess::start(
        f.loop,
        {.argv = {"sh", "-c", "sleep 600 >/dev/null & echo $!"}, .output = ctys::loop::ToMemory{}},
        [&](const ChildResult& done) { result = done; });
    REQUIRE(child);
    f.run_until([&] { return result.has_value(); });
    return static_cast<pid_t>(std::stol(result->output));
}

} // namespace

TEST_CASE("the exit of a process that is no child is reported once", "[loop][pid]") {
    LoopFixture f;
    int exits = 0;
    auto watch = PidWatch::open(f.loop, start_orphan(f), [&] { ++exits; });
    REQUIRE(watch);
    f.drain();
    REQUIRE(exits == 0);

    CHECK(watch->send_signal(SIGKILL));

    f.run_until([&] { return exits > 0; });
    f.drain();
    CHECK(exits == 1);
    CHECK(watch->has_exited());
}

TEST_CASE("a watch may be dropped in its own report", "[loop][pid]") {
    LoopFixture f;
    std::optional<PidWatch> watch;
    bool exited = false;
    auto opened = PidWatch::open(f.loop, start_orphan(f), [&] {
        watch.reset();
        exited = true;
    });
    REQUIRE(opened);
    watch = std::move(*opened);

    CHECK(watch->send_signal(SIGKILL));

    f.run_until([&] { return exited; });
}

TEST_CASE("a process that does not exist cannot be watched", "[loop][pid]") {
    LoopFixture f;
    const auto never = [] {};
    CHECK(PidWatch::open(f.loop, 0, never).error().code == ErrorCode::NotFound);
    CHECK(PidWatch::open(f.loop, -1, never).error().code == ErrorCode::NotFound);
    // Above the largest pid_max of Linux.
    CHECK(PidWatch::open(f.loop, 4'194'305, never).error().code == ErrorCode::NotFound);
}

TEST_CASE("a signal to a process that has ended reaches nobody", "[loop][pid]") {
    LoopFixture f;
    std::optional<ChildResult> done;
    auto child = ChildProcess::start(
        f.loop, {.argv = {"sleep", "600"}}, [&](const ChildResult& result) { done = result; });
    REQUIRE(child);
    auto watch = PidWatch::open(f.loop, child->pid(), [] {});
    REQUIRE(watch);
    CHECK(watch->send_signal(SIGTERM));
    f.run_until([&] { return done.has_value(); });

    CHECK(watch->send_signal(SIGTERM).error().code == ErrorCode::NotFound);
}
