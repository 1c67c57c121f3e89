#include "tools/verbs/pool_change.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;

namespace {

std::string refusal(const std::string& root) {
    const auto fits = check_apart(root, {"/srv/vms", "/home/ann/vms"}, "lab02");
    if (fits) return {};
    CHECK(fits.error().code == ErrorCode::Conflict);
    return fits.error().message;
}

} // namespace

TEST_CASE("a pool neither lies in another one nor holds one", "[tools][pool]") {
    CHECK(refusal("/srv/vms") == "is a pool of lab02 already");
    CHECK(refusal("/srv/vms/web") == "lies in /srv/vms, a pool of lab02");
    CHECK(refusal("/srv") == "holds /srv/vms, a pool of lab02");
    CHECK(refusal("/") == "holds /srv/vms, a pool of lab02");
    CHECK(refusal("/home/ann") == "holds /home/ann/vms, a pool of lab02");
}

TEST_CASE("a pool beside another one is fine, however alike their names", "[tools][pool]") {
    CHECK(refusal("/srv/vms2").empty());
    CHECK(refusal("/srv/vm").empty());
    CHECK(refusal("/home/ann/vms-old").empty());
}
