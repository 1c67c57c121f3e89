#include "mesh/loop/event_loop.h"
#include "mesh/loop/fd_watch.h"
#include "mesh/loop/id_source.h"
#include "mesh/loop/signal_watch.h"
#include "mesh/loop/timer.h"
#include "tests/support/loop_fixture.h"

#include <array>
#include <csignal>
#include <optional>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;
using ctys::Duration;
using ctys::loop::EventLoop;
using ctys::loop::Timer;
using ctys::support::LoopFixture;

namespace {

/// Exit signal of a child that runs `body`; its stderr is thrown away.
template <typename F>
int death_of(F body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(1);
        std::signal(SIGABRT, SIG_DFL); // Catch2 would report the abort as a test failure.
        body();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

} // namespace

TEST_CASE("a handle that outlives its event loop aborts the process", "[loop]") {
    CHECK(death_of([] { EventLoop loop; }) == 0);
    CHECK(death_of([] {
              auto loop = std::make_unique<EventLoop>();
              const Timer leaked(*loop);
              loop.reset();
          }) == SIGABRT);
}

TEST_CASE("open handles are listed until they are dropped", "[loop]") {
    const EventLoop loop_only;
    EventLoop loop;
    auto timer = std::make_optional<Timer>(loop);

    CHECK(loop.open_handles() == std::vector<std::string>{"timer idle"});
    timer.reset();
    CHECK(loop.open_handles().empty());
}

TEST_CASE("timers fire in the order of their spans", "[loop]") {
    LoopFixture f;
    std::string order;
    Timer late(f.loop);
    Timer early(f.loop);

    late.start_once(30ms, [&] { order += "late"; });
    early.start_once(1ms, [&] { order += "early "; });

    f.run_until([&] { return order.size() == 10; });
    CHECK(order == "early late");
    CHECK_FALSE(late.is_active());
}

TEST_CASE("a timer may restart and drop itself in its callback", "[loop]") {
    LoopFixture f;
    int calls = 0;
    auto timer = std::make_optional<Timer>(f.loop);

    timer->start_repeating(1ms, [&] {
        if (++calls < 3) return;
        timer->start_once(1ms, [&, big = std::vector<int>(100, 7)] {
            timer.reset();
            calls += big.back();
        });
    });

    f.run_until([&] { return calls == 10; });
    CHECK_FALSE(timer.has_value());
}

TEST_CASE("a stopped timer does not fire", "[loop]") {
    LoopFixture f;
    bool stopped_fired = false;
    bool other_fired = false;
    Timer stopped(f.loop);
    Timer other(f.loop);
    stopped.start_once(1ms, [&] { stopped_fired = true; });
    other.start_once(5ms, [&] { other_fired = true; });

    stopped.stop();

    f.run_until([&] { return other_fired; });
    CHECK_FALSE(stopped_fired);
}

TEST_CASE("deferred functions run in order and not inside the caller", "[loop]") {
    LoopFixture f;
    std::vector<int> order;

    f.loop.defer([&] {
        order.push_back(1);
        f.loop.defer([&] { order.push_back(3); });
        order.push_back(2);
    });
    CHECK(order.empty());

    f.run_until([&] { return order.size() == 3; });
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("an exception that leaves a callback leaves run", "[loop]") {
    EventLoop loop;
    Timer timer(loop);
    bool behind = false;
    timer.start_once(
        0ms, [] { throw ctys::Fault({.code = ctys::ErrorCode::Storage, .message = "disk"}); });
    CHECK_THROWS_AS(loop.run(), ctys::Fault);

    timer.start_once(0ms, [&] { behind = true; });
    loop.run();
    CHECK(behind);
}

TEST_CASE("run_until gives up at its bound", "[loop]") {
    EventLoop loop;
    CHECK_FALSE(loop.run_until([] { return false; }, 5ms));
    CHECK(loop.run_until([] { return true; }, 0ms));
}

TEST_CASE("stop ends run although timers are pending", "[loop]") {
    EventLoop loop;
    Timer forever(loop);
    forever.start_repeating(1ms, [&] { loop.stop(); });

    loop.run();

    CHECK(forever.is_active());
}

TEST_CASE("the monotonic clock does not go back and the wall clock is of this century", "[loop]") {
    const EventLoop loop;
    const auto first = loop.now();
    const auto second = loop.now();
    CHECK(second.instant >= first.instant);
    CHECK(first.wall > ctys::WallTime::parse("2020-01-01T00:00:00Z").value());
}

TEST_CASE("a watched signal reaches the loop instead of ending the process", "[loop]") {
    LoopFixture f;
    int seen = 0;
    const ctys::loop::SignalWatch watch(f.loop, SIGUSR1, [&] { ++seen; });

    ::raise(SIGUSR1);

    f.run_until([&] { return seen == 1; });
}

TEST_CASE("a descriptor watch reports what was asked for", "[loop]") {
    LoopFixture f;
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    {
        int readable = 0;
        auto watch = ctys::loop::FdWatch::open(
            f.loop, ends[0], {.readable = true}, [&](ctys::loop::Readiness ready) {
                readable += ready.readable ? 1 : 0;
            });
        REQUIRE(watch);
        f.drain();
        CHECK(readable == 0);

        REQUIRE(::write(ends[1], "x", 1) == 1);
        f.run_until([&] { return readable > 0; });

        watch->change_interest({});
        const int before = readable;
        f.drain();
        CHECK(readable == before);
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("random ids are never zero and do not repeat", "[loop]") {
    ctys::loop::SystemIdSource ids;
    std::set<std::uint64_t> numbers;
    std::set<ctys::Uuid> uuids;
    for (int i = 0; i < 1000; ++i) {
        numbers.insert(ids.next_u64());
        uuids.insert(ids.next_uuid());
    }
    CHECK(numbers.size() == 1000);
    CHECK(numbers.count(0) == 0);
    CHECK(uuids.size() == 1000);
}
