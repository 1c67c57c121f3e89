#include "broker/core/leases.h"
#include "tests/support/simulation/map_store.h"
#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;

namespace {

struct Ground {
    sim::MapStore store{1, WallTime{1}};
    Overlay overlay{store};
    Cursor head{1, 0};
    WallTime recorded{1};
    Turn turn{Now{Instant{}, WallTime{1}}, overlay, head, recorded, 1};
    Leases leases;
};

InstanceRecord instance(const WorkerId& worker, ActionId by, VmState state) {
    InstanceRecord row;
    row.vm = Bench::vm("web");
    row.worker = worker;
    row.key = {.boot = {}, .pid = 7, .start_ticks = 1};
    row.state = state;
    row.started_by = by;
    return row;
}

} // namespace

TEST_CASE("every lease has a larger token than those before", "[broker]") {
    Ground ground;
    ground.leases.load({}, 41);

    const auto first =
        ground.leases.reserve(ground.turn, Bench::vm("a"), Bench::worker("w1"), ActionId{1}).token;
    const auto second =
        ground.leases.reserve(ground.turn, Bench::vm("b"), Bench::worker("w1"), ActionId{2}).token;

    CHECK(first == 42);
    CHECK(second == 43);
}

TEST_CASE("a reservation becomes running when its own start is seen to run", "[broker]") {
    Ground ground;
    const auto vm = Bench::vm("web");
    ground.leases.reserve(ground.turn, vm, Bench::worker("w1"), ActionId{1});

    SECTION("by the start it was made for") {
        ground.leases.on_live(ground.turn,
                              instance(Bench::worker("w1"), ActionId{1}, VmState::Running));
        CHECK(ground.leases.find(vm)->phase == Lease::Phase::Running);
    }
    SECTION("not by somebody's start by hand") {
        ground.leases.on_live(ground.turn, instance(Bench::worker("w1"), {}, VmState::Running));
        CHECK(ground.leases.find(vm)->phase == Lease::Phase::Reserved);
    }
    SECTION("not on another worker") {
        ground.leases.on_live(ground.turn,
                              instance(Bench::worker("w2"), ActionId{1}, VmState::Running));
        CHECK(ground.leases.find(vm)->phase == Lease::Phase::Reserved);
    }
}

TEST_CASE("a running lease ends with its own instance only", "[broker]") {
    Ground ground;
    const auto vm = Bench::vm("web");
    auto running = instance(Bench::worker("w1"), {}, VmState::Running);
    ground.leases.on_live(ground.turn, running);
    auto other = running;
    other.key.pid = 8;

    ground.leases.on_ended(ground.turn, other);
    CHECK(ground.leases.find(vm) != nullptr);
    ground.leases.on_ended(ground.turn, running);
    CHECK(ground.leases.find(vm) == nullptr);
}

TEST_CASE("a failed start does not end the lease of what runs", "[broker]") {
    Ground ground;
    ground.leases.on_live(ground.turn,
                          instance(Bench::worker("w1"), ActionId{1}, VmState::Running));

    ground.leases.on_not_started(ground.turn, ActionId{1});

    CHECK(ground.leases.find(Bench::vm("web")) != nullptr);
}

TEST_CASE("fencing a worker ends its leases and nobody else's", "[broker]") {
    Ground ground;
    ground.leases.reserve(ground.turn, Bench::vm("a"), Bench::worker("w1"), ActionId{1});
    ground.leases.reserve(ground.turn, Bench::vm("b"), Bench::worker("w2"), ActionId{2});

    const auto freed = ground.leases.fence(ground.turn, Bench::worker("w1"));

    CHECK(freed == std::vector{Bench::vm("a")});
    CHECK(ground.leases.all().size() == 1);
}
