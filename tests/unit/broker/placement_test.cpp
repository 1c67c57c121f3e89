#include "broker/core/placement.h"
#include "broker/core/rows.h"
#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;

namespace {

PathRecord path_on(const std::string& worker, PathHealth health = PathHealth::Good) {
    PathRecord path;
    path.vm = Bench::vm("web");
    path.worker = Bench::worker(worker);
    path.config = "/pool/" + worker;
    path.health = health;
    return path;
}

VmRecord web() {
    VmRecord vm;
    vm.id = Bench::vm("web");
    vm.label = "web";
    return vm;
}

} // namespace

TEST_CASE("the path in the best health is chosen", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    bench.join("w2", {});

    const auto chosen = choose_path(
        web(), {path_on("w1", PathHealth::Stale), path_on("w2")}, bench.core().roster(), "");

    REQUIRE(chosen);
    CHECK(chosen->worker == Bench::worker("w2"));
}

TEST_CASE("an unproven path is chosen only by a person who names its worker", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    const std::vector paths{path_on("w1", PathHealth::Unproven)};

    const auto by_itself = choose_path(web(), paths, bench.core().roster(), "");
    const auto asked = choose_path(web(), paths, bench.core().roster(), "w1");

    REQUIRE_FALSE(by_itself);
    CHECK(by_itself.error().code == ErrorCode::Conflict);
    CHECK(asked);
}

TEST_CASE("where no path can be taken the answer tells why for each", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    auto broken = path_on("w1");
    broken.runnable = false;
    broken.why_not = "needs kvm";

    const auto chosen = choose_path(
        web(), {broken, path_on("w1", PathHealth::Vanished)}, bench.core().roster(), "");

    REQUIRE_FALSE(chosen);
    REQUIRE(chosen.error().evidence.size() == 2);
    CHECK(chosen.error().evidence[0] == "w1: /pool/w1: needs kvm");
}

TEST_CASE("when every worker that could run it is away the answer is unreachable", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    for (int i = 0; i < 10; ++i)
        bench.tick();

    const auto chosen = choose_path(web(), {path_on("w1")}, bench.core().roster(), "");

    REQUIRE_FALSE(chosen);
    CHECK(chosen.error().code == ErrorCode::Unreachable);
}

TEST_CASE("a worker that has not told what it runs is never chosen", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    bench.restart();
    bench.call("w1");

    const auto chosen = choose_path(web(), {path_on("w1")}, bench.core().roster(), "");

    REQUIRE_FALSE(chosen);
    CHECK(settling_among({path_on("w1")}, bench.core().roster(), "").size() == 1);
}

TEST_CASE("a lease on a worker that is lost refuses, naming it", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    for (int i = 0; i < 10; ++i)
        bench.tick();
    const Lease lease{.vm = Bench::vm("web"), .worker = Bench::worker("w1")};

    const auto free = check_free(web(), {}, &lease, bench.core().roster());

    REQUIRE_FALSE(free);
    CHECK(free.error().code == ErrorCode::Conflict);
    CHECK(free.error().message.find("may still run on w1, lost since") == 0);
}

TEST_CASE("who holds the lease is named, whoever told of the process first", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    bench.join("w2", {});
    const Lease lease{.vm = Bench::vm("web"), .worker = Bench::worker("w1")};
    InstanceRecord seen;
    seen.vm = Bench::vm("web");
    seen.worker = Bench::worker("w2");
    seen.state = VmState::Starting;
    seen.key.pid = 4711;
    auto started = seen;
    started.worker = lease.worker;

    const auto before = check_free(web(), {seen}, &lease, bench.core().roster());
    const auto after = check_free(web(), {seen, started}, &lease, bench.core().roster());

    REQUIRE_FALSE(before);
    CHECK(before.error().message.find("held by w1 for action") == 0);
    REQUIRE(before.error().evidence.size() == 1);
    CHECK(before.error().evidence[0].find("starting on w2") == 0);
    REQUIRE_FALSE(after);
    CHECK(after.error().message.find("starting on w1") == 0);
}

TEST_CASE("a VM whose state is on disk is refused with the words that bring it back", "[broker]") {
    InstanceRecord row;
    row.vm = Bench::vm("web");
    row.since = {10};
    row.state = VmState::Stopped;
    row.reason = reason::suspended;
    row.ended = Ending{.by = EndedBy::Host, .detail = {}, .at = {10}};

    CHECK(is_suspended_to_disk(std::vector{row}));
    const auto refused = require_live(web(), {row});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Conflict);
    CHECK(refused.error().message.find("it is suspended") == 0);
    CHECK(refused.error().try_next.find("ctys resume web") == 0);

    auto later = row;
    later.since = {20};
    later.reason.clear();
    CHECK_FALSE(is_suspended_to_disk({row, later}));
    later.state = VmState::Starting;
    CHECK_FALSE(is_suspended_to_disk({row, later}));
}

TEST_CASE("a VM whose state is on disk is listed as suspended, without a process", "[broker]") {
    Bench bench;
    bench.join("w1", {});
    InstanceRecord row;
    row.vm = Bench::vm("web");
    row.key.pid = 100;
    row.managed = true;
    row.since = bench.now().wall;
    row.state = VmState::Stopped;
    row.reason = reason::suspended;
    row.ended = Ending{.by = EndedBy::Host, .detail = "its state is on disk", .at = row.since};
    Listed of{.vm = web(), .paths = {path_on("w1")}, .instances = {row}};

    const auto shown = take_row(of, bench.core().roster(), bench.now());

    CHECK(shown.state == VmState::Suspended);
    CHECK(shown.reason == "suspended");
    CHECK(shown.pid == 0);
    CHECK_FALSE(is_live(shown));
    CHECK(is_suspended_to_disk(shown));
    CHECK(shown.note.find("to disk, ") == 0);
}
