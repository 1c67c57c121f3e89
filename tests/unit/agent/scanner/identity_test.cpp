#include "agent/scanner/identity.h"
#include "agent/scanner/marker.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;

namespace {

const VmId configured = VmId::parse("91d24b1a-0b2c-4d3e-8f90-0123456789ab").value();
const PoolId marked_pool = PoolId::parse("11111111-2222-4333-8444-555555555555").value();
const WorkerId one = WorkerId::parse("aaaaaaaa-2222-4333-8444-555555555555").value();
const WorkerId two = WorkerId::parse("bbbbbbbb-2222-4333-8444-555555555555").value();

} // namespace

TEST_CASE("a usable UUID of the configuration is the identity", "[scanner]") {
    CHECK(identify_vm(configured, {}, "/p/a/a.ctys", one) == VmIdentity{configured, false});
    CHECK(identify_vm({}, {}, "/p/a/a.ctys", one).derived);
}

TEST_CASE("two workers derive one identity from a marker, whatever their paths", "[scanner]") {
    const StorageIdentity here{marked_pool, "a", 5, "ext4", "/dev/sda1"};
    const StorageIdentity there{marked_pool, "a", 9, "nfs4", "nas:/srv"};

    const auto id = derive_vm_id(here, "/srv/vm/a/a.ctys", one);

    CHECK(id == derive_vm_id(there, "/mnt/a/a.ctys", two));
    CHECK(id != derive_vm_id(there, "/mnt/a/b.ctys", two));
    CHECK(id.uuid.bytes[6] >> 4 == 5);
}

TEST_CASE("without a marker equal paths on two workers are two VMs", "[scanner]") {
    const StorageIdentity same{{}, "a", 5, "ext4", "/dev/sda1"};

    CHECK(derive_vm_id(same, "/srv/a/a.ctys", one) != derive_vm_id(same, "/srv/a/a.ctys", two));
}

TEST_CASE("a marker is read back as it was written", "[scanner]") {
    const MarkerText marker{marked_pool, 12345};

    CHECK(parse_marker(to_text(marker)) == marker);
    CHECK(parse_marker(to_text(marker) + "later=1\n") == marker);
}

TEST_CASE("a marker without a usable id is refused", "[scanner]") {
    const auto text = GENERATE(std::string{},
                               std::string("id=\n"),
                               std::string("id=00000000-0000-0000-0000-000000000000\n"),
                               std::string("\0\0\0", 3),
                               std::string(max_marker_bytes + 1, 'x'));

    const auto marker = parse_marker(text);

    REQUIRE_FALSE(marker);
    CHECK(marker.error().code == ErrorCode::Malformed);
}

TEST_CASE("a copied marker is told where inodes are steady", "[scanner]") {
    const MarkerFacts copy{marked_pool, 10, 11, 0, 0, 0};

    CHECK(copied_reason(copy, "ext4"));
    CHECK_FALSE(copied_reason(copy, "9p"));
    CHECK_FALSE(copied_reason({marked_pool, 10, 10, 0, 0, 0}, "ext4"));
    CHECK_FALSE(copied_reason({marked_pool, 0, 10, 0, 0, 0}, "ext4"));
}

TEST_CASE("equal ids on differing files contradict each other", "[scanner]") {
    const MarkerFacts marker{marked_pool, 10, 10, 1000, 0, 77};

    CHECK_FALSE(contradict(marker, marker));
    CHECK_FALSE(contradict(marker, {PoolId{}, 10, 11, 2000, 0, 77}));
    CHECK(contradict(marker, {marked_pool, 10, 11, 1000, 0, 77}));
    CHECK(contradict(marker, {marked_pool, 10, 10, 2000, 0, 0}));
    CHECK_FALSE(contradict(marker, {marked_pool, 10, 11, 0, 0, 0}));
}
