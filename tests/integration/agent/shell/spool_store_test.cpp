#include "agent/shell/spool_store.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

namespace {

SpoolStore open(const support::TemporaryDirectory& directory) {
    return SpoolStore::open(directory.path(), StreamId{Uuid::from_name({}, "stream")}, WallTime{1})
        .value();
}

} // namespace

TEST_CASE("what a machine remembers of its last stop outlives the agent", "[agent]") {
    const support::TemporaryDirectory directory;
    const HostMemory memory{
        .boot = BootId{Uuid::from_name({}, "boot")},
        .is_stopping = true,
        .ran = {VmId{Uuid::from_name({}, "a")}, VmId{Uuid::from_name({}, "b")}}};
    {
        auto spool = open(directory);
        CHECK(spool.recover().value().memory == HostMemory{});
        const Spool unit{.memory = memory};
        REQUIRE(spool.commit(std::span{&unit, 1}, std::nullopt));
    }

    auto spool = open(directory);
    CHECK(spool.recover().value().memory == memory);
    const Spool other{.last_sequence = 7}; // says nothing of it
    REQUIRE(spool.commit(std::span{&other, 1}, std::nullopt));
    CHECK(spool.recover().value().memory == memory);
}
