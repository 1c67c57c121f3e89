#include "mesh/loop/worker_thread.h"
#include "tests/support/loop_fixture.h"

#include <numeric>
#include <semaphore>

using ctys::ErrorCode;
using ctys::support::LoopFixture;
using Worker = ctys::loop::WorkerThread<int, int>;

namespace {

/// Doubles; waits at its gate before each group and notes the size of the group.
struct GatedWork {
    std::counting_semaphore<> gate{0};
    std::counting_semaphore<> entered{0};
    std::vector<std::size_t> groups;

    Worker::Work work() {
        return [this](std::vector<int> jobs) {
            entered.release();
            gate.acquire();
            groups.push_back(jobs.size());
            for (auto& job : jobs) {
                job *= 2;
            }
            return jobs;
        };
    }
};

} // namespace

TEST_CASE("jobs that queue up while the worker is busy become one group", "[loop][worker]") {
    LoopFixture f;
    GatedWork gated;
    std::vector<int> got;
    Worker worker(f.loop, {}, gated.work(), [&](std::vector<int> done) {
        got.insert(got.end(), done.begin(), done.end());
    });
    REQUIRE(worker.submit(1));
    gated.entered.acquire();
    for (int i = 2; i <= 10; ++i) {
        REQUIRE(worker.submit(i));
    }
    CHECK(worker.pending() == 10);

    gated.gate.release(2);

    f.run_until([&] { return got.size() == 10; });
    CHECK(got == std::vector<int>{2, 4, 6, 8, 10, 12, 14, 16, 18, 20});
    CHECK(gated.groups == std::vector<std::size_t>{1, 9});
    CHECK(worker.pending() == 0);
}

TEST_CASE("a full queue refuses jobs", "[loop][worker]") {
    LoopFixture f;
    GatedWork gated;
    Worker worker(f.loop, {.capacity = 2}, gated.work(), [](std::vector<int>) {});
    REQUIRE(worker.submit(1));
    gated.entered.acquire();
    REQUIRE(worker.submit(2));

    CHECK(worker.submit(3).error().code == ErrorCode::Overloaded);

    gated.gate.release(2);
}

TEST_CASE("stop finishes what is queued and delivers it", "[loop][worker]") {
    LoopFixture f;
    GatedWork gated;
    std::vector<int> got;
    Worker worker(f.loop, {}, gated.work(), [&](std::vector<int> done) {
        got.insert(got.end(), done.begin(), done.end());
    });
    REQUIRE(worker.submit(1));
    gated.entered.acquire();
    REQUIRE(worker.submit(2));
    gated.gate.release(2);

    worker.stop();
    worker.stop();

    CHECK(got == std::vector<int>{2, 4});
    CHECK(worker.submit(3).error().code == ErrorCode::Cancelled);
}

TEST_CASE("a worker dropped with undelivered outcomes delivers nothing", "[loop][worker]") {
    LoopFixture f;
    int deliveries = 0;
    {
        Worker worker(
            f.loop,
            {},
            [](std::vector<int> jobs) { return jobs; },
            [&](std::vector<int>) { ++deliveries; });
        REQUIRE(worker.submit(1));
    }
    f.drain();
    CHECK(deliveries == 0);
}

TEST_CASE("a fault on the worker thread leaves run", "[loop][worker]") {
    LoopFixture f;
    Worker worker(
        f.loop,
        {},
        [](std::vector<int>) -> std::vector<int> {
            throw ctys::Fault({.code = ErrorCode::Storage, .message = "disk full"});
        },
        [](std::vector<int>) {});
    REQUIRE(worker.submit(1));

    CHECK_THROWS_WITH(f.run_until([] { return false; }), "disk full");
}

TEST_CASE("many small jobs keep their order", "[loop][worker]") {
    LoopFixture f;
    std::vector<int> got;
    Worker worker(
        f.loop,
        {.capacity = 100'000},
        [](std::vector<int> jobs) { return jobs; },
        [&](std::vector<int> done) { got.insert(got.end(), done.begin(), done.end()); });
    std::vector<int> want(20'000);
    std::iota(want.begin(), want.end(), 0);
    for (const int job : want) {
        REQUIRE(worker.submit(job));
    }

    f.run_until([&] { return got.size() == want.size(); });
    CHECK(got == want);
}
