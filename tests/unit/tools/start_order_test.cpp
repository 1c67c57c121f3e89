#include "tools/verbs/start_order.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;

namespace {

using Names = std::vector<std::string>;

PlacedVm placed(std::string label, Names after, std::set<std::string> workers = {"lab01"}) {
    PlacedVm vm{.row = {}, .workers = std::move(workers)};
    vm.row.label = std::move(label);
    vm.row.config = "/pool/" + vm.row.label + ".ctys";
    vm.row.start_after = std::move(after);
    return vm;
}

Names facts(const std::vector<PlacedVm>& vms) {
    Names out;
    for (const auto& finding : check_start_order(vms)) {
        CHECK(finding.verdict == Finding::Verdict::Warn);
        out.push_back(finding.fact);
    }
    return out;
}

} // namespace

TEST_CASE("an order among VMs of one worker is well", "[tools][doctor]") {
    CHECK(facts({placed("web", {"db", "cache"}), placed("cache", {"db"}), placed("db", {})}) ==
          Names{});
}

TEST_CASE("a label that no VM of the worker has is told", "[tools][doctor]") {
    CHECK(facts({placed("web", {"nosuch"})}) ==
          Names{"web starts after nosuch: no VM is called so"});
    CHECK(facts({placed("web", {"db"}), placed("db", {}, {"lab02"})}) ==
          Names{"web starts after db: no VM of its worker is called so"});
}

TEST_CASE("a label that several VMs of the worker have is told", "[tools][doctor]") {
    CHECK(facts({placed("web", {"db"}), placed("db", {}), placed("db", {})}) ==
          Names{"web starts after db: 2 VMs of its worker are called so"});
}

TEST_CASE("a circle is told once, by who is in it", "[tools][doctor]") {
    CHECK(facts({placed("top", {"a"}), placed("a", {"b"}), placed("b", {"a"})}) ==
          Names{"a starts after b starts after a: a circle; on boot none of them is started"});
}

TEST_CASE("a chain of STARTAFTER that is very long has no circle", "[tools][doctor]") {
    std::vector<PlacedVm> vms;
    for (int i = 0; i < 400; ++i) {
        vms.push_back(placed(fmt::format("vm{}", i), {fmt::format("vm{}", i + 1)}));
    }
    vms.push_back(placed("vm400", {}));
    CHECK(facts(vms) == Names{});
}
