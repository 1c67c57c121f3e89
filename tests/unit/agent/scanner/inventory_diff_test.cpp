#include "agent/scanner/inventory_diff.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

namespace {

const PoolId pool = PoolId::parse("11111111-2222-4333-8444-555555555555").value();
const PoolId nested = PoolId::parse("21111111-2222-4333-8444-555555555555").value();
const VmId vm = VmId::parse("91d24b1a-0b2c-4d3e-8f90-0123456789ab").value();
const VmId other_vm = VmId::parse("92d24b1a-0b2c-4d3e-8f90-0123456789ab").value();

FoundVm found(std::string config, const VmId& id = vm, const PoolId& marker = pool) {
    FoundVm out;
    out.vm.id = id;
    out.path.vm = id;
    out.path.config = std::move(config);
    out.path.storage.pool = marker;
    return out;
}

InventoryDiff with_two_paths() {
    InventoryDiff diff;
    diff.begin("/p", true);
    REQUIRE(diff.see(found("/p/a/a.ctys"), 1).size() == 1);
    REQUIRE(diff.see(found("/p/ab/b.ctys", other_vm), 2).size() == 1);
    REQUIRE(diff.end({{pool}, {}, true}).empty());
    return diff;
}

template <typename T>
const T& only(const PathChanges& changes) {
    REQUIRE(changes.size() == 1);
    REQUIRE(std::holds_alternative<T>(changes.front()));
    return std::get<T>(changes.front());
}

} // namespace

TEST_CASE("a finding that is as it was changes nothing", "[scanner]") {
    auto diff = with_two_paths();

    diff.begin("/p", true);

    CHECK(diff.confirm("/p/a/a.ctys", 1));
    CHECK(diff.confirm("/p/ab/b.ctys", 2));
    CHECK(diff.end({{pool}, {}, true}).empty());
}

TEST_CASE("a finding with another fingerprint is altered", "[scanner]") {
    auto diff = with_two_paths();

    diff.begin("/p", true);
    REQUIRE_FALSE(diff.confirm("/p/a/a.ctys", 7));

    CHECK(only<PathAltered>(diff.see(found("/p/a/a.ctys"), 7)).found.path.config == "/p/a/a.ctys");
}

TEST_CASE("a configuration with another identity is another path", "[scanner]") {
    auto diff = with_two_paths();

    diff.begin("/p", true);
    const auto changes = diff.see(found("/p/a/a.ctys", other_vm), 7);

    REQUIRE(changes.size() == 2);
    CHECK(std::get<PathGone>(changes[0]).vm == vm);
    CHECK(std::get<PathFound>(changes[1]).found.vm.id == other_vm);
}

TEST_CASE("a path is gone only if its own marker was read in the same scan", "[scanner]") {
    auto diff = with_two_paths();
    diff.begin("/p", true);
    REQUIRE(diff.confirm("/p/a/a.ctys", 1));

    SECTION("the marker was read") {
        CHECK(only<PathGone>(diff.end({{pool}, {}, true})).config == "/p/ab/b.ctys");
        CHECK(diff.size() == 1);
    }
    SECTION("another marker was read") {
        CHECK(only<PathHealthAltered>(diff.end({{nested}, {}, true})).health == PathHealth::Stale);
        CHECK(diff.size() == 2);
    }
    SECTION("its directory could not be read") {
        CHECK(only<PathHealthAltered>(diff.end({{pool}, {"/p/ab"}, true})).health ==
              PathHealth::Stale);
    }
    SECTION("too much could not be read") {
        CHECK(only<PathHealthAltered>(diff.end({{pool}, {}, false})).reason ==
              "its directory cannot be read");
    }
}

TEST_CASE("a path in a pool without a marker is never gone", "[scanner]") {
    InventoryDiff diff;
    diff.begin("/p", true);
    REQUIRE(diff.see(found("/p/a/a.ctys", vm, PoolId{}), 1).size() == 1);

    diff.begin("/p", true);

    CHECK(only<PathHealthAltered>(diff.end({{}, {}, true})).health == PathHealth::Stale);
    diff.begin("/p", true);
    CHECK(diff.end({{}, {}, true}).empty());
}

TEST_CASE("a scan of one directory judges only what lies there", "[scanner]") {
    auto diff = with_two_paths();
    diff.begin("/p/a", true);
    REQUIRE(diff.see(found("/p/a/deep/c.ctys"), 3).size() == 1);

    SECTION("with all below it") {
        diff.begin("/p/a", true);
        CHECK(diff.end({{pool}, {}, true}).size() == 2);
    }
    SECTION("alone") {
        diff.begin("/p/a", false);
        CHECK(only<PathGone>(diff.end({{pool}, {}, true})).config == "/p/a/a.ctys");
    }
}

TEST_CASE("a stalled pool marks its paths once and a scan brings them back", "[scanner]") {
    auto diff = with_two_paths();

    const auto stalled = diff.stall("mount has not answered for 10 s");

    REQUIRE(stalled.size() == 2);
    CHECK(std::get<PathHealthAltered>(stalled[0]).health == PathHealth::Stalled);
    CHECK(diff.stall("again").empty());
    diff.begin("/p", true);
    REQUIRE_FALSE(diff.confirm("/p/a/a.ctys", 1));
    CHECK(only<PathHealthAltered>(diff.see(found("/p/a/a.ctys"), 1)).health == PathHealth::Good);
}

TEST_CASE("what an earlier process knew is compared with the first scan", "[scanner]") {
    const auto before = with_two_paths().known();
    InventoryDiff diff(before);

    diff.begin("/p", true);

    CHECK(diff.confirm("/p/a/a.ctys", 1));
    CHECK(only<PathGone>(diff.end({{pool}, {}, true})).vm == other_vm);
}

TEST_CASE("ignored configurations are not counted as VMs", "[scanner]") {
    auto diff = with_two_paths();
    auto ignored = found("/p/c/c.ctys");
    ignored.path.health = PathHealth::Ignored;
    diff.begin("/p", true);

    REQUIRE(diff.see(std::move(ignored), 5).size() == 1);

    CHECK(diff.vms() == 2);
    CHECK(diff.confirm("/p/c/c.ctys", 5));
}

TEST_CASE("a configuration that cannot be read any more keeps its identity", "[scanner]") {
    auto diff = with_two_paths();
    auto broken = found("/p/a/a.ctys", other_vm);
    broken.path.health = PathHealth::Unreadable;
    broken.path.health_reason = "a.ctys contains NUL bytes";

    diff.begin("/p", true);
    const auto change = only<PathHealthAltered>(diff.see(broken, 7));
    CHECK(change.vm == vm);
    CHECK(change.health == PathHealth::Unreadable);
    CHECK(change.reason == "a.ctys contains NUL bytes");
    CHECK(diff.see(broken, 7).empty());

    CHECK(only<PathAltered>(diff.see(found("/p/a/a.ctys"), 1)).found.vm.id == vm);
}
