#include "mesh/core/stack.h"

#include <catch2/catch.hpp>

using namespace ctys;

namespace {

Uuid uuid(const std::string& name) {
    return Uuid::from_name(ctys_namespace(), name);
}
VmId vm_id(const std::string& label) {
    return {uuid("vm " + label)};
}
WorkerId worker_id(const std::string& name) {
    return {uuid("worker " + name)};
}

StackVm vm(const std::string& label, const std::string& worker = {}) {
    StackVm vm{.vm = vm_id(label), .label = label};
    if (!worker.empty()) vm.worker = worker_id(worker);
    vm.state = worker.empty() ? VmState::Stopped : VmState::Running;
    return vm;
}

/// A worker on hardware, or inside the VM of that label.
WorkerRecord worker(const std::string& name, const std::string& inside = {}) {
    WorkerRecord record;
    record.id = worker_id(name);
    record.name = name;
    record.boot = {uuid("boot " + name)};
    if (!inside.empty()) record.platform = vm_id(inside).uuid;
    return record;
}

std::vector<std::string> labels(const StackGraph& graph, const std::vector<VmId>& ids) {
    std::vector<std::string> out;
    for (const auto& id : ids) {
        out.push_back(graph.find_vm(id)->label);
    }
    return out;
}

using Texts = std::vector<std::string>;

StackProblem::Kind only_problem(const StackGraph& graph) {
    REQUIRE(graph.problems().size() == 1);
    return graph.problems().front().kind;
}

} // namespace

TEST_CASE("a VM carries the worker that has its UUID as platform", "[stack]") {
    const StackGraph graph(
        {vm("l1", "rack"), vm("l2b", "l1"), vm("l2a", "l1"), vm("l3", "l2a"), vm("off")},
        {worker("rack"), worker("l1", "l1"), worker("l2a", "l2a")});

    CHECK(graph.problems().empty());
    CHECK(graph.carrier_of(worker_id("l1")) == vm_id("l1"));
    CHECK(graph.carrier_of(worker_id("rack")).is_none());
    CHECK(graph.outermost() == std::vector{worker_id("rack")});
    CHECK(labels(graph, graph.resting()) == Texts{"off"});
    CHECK(labels(graph, graph.carried_by(vm_id("l1"))) == Texts{"l2a", "l2b"});
    CHECK(labels(graph, graph.all_inside(vm_id("l1"))) == Texts{"l2a", "l2b", "l3"});
    CHECK(labels(graph, graph.carriers_of(vm_id("l3"))) == Texts{"l1", "l2a"});
    CHECK(graph.carriers_of(vm_id("l1")).empty());
}

TEST_CASE("a platform UUID that identifies nothing makes no edge", "[stack]") {
    auto zero = worker("l1", "l1");
    zero.platform = {};
    auto ones = worker("x1", "l1");
    ones.platform.bytes.fill(0xff);
    auto odd = vm("l1", "rack");
    odd.vm = {};

    const StackGraph graph({odd, vm("l2", "l1")}, {worker("rack"), zero, ones});

    CHECK(graph.problems().empty());
    CHECK(graph.carrier_of(worker_id("l1")).is_none());
    CHECK(graph.carrier_of(worker_id("x1")).is_none());
}

TEST_CASE("sources that differ make no edge and are told", "[stack]") {
    auto inner = worker("l1", "l1");
    inner.platform_conflict = "DMI and vm.conf differ";

    const StackGraph graph({vm("l1", "rack"), vm("l2", "l1")}, {worker("rack"), inner});

    CHECK(graph.carrier_of(inner.id).is_none());
    CHECK(only_problem(graph) == StackProblem::Kind::Platform);
    CHECK(graph.outermost().size() == 2);
}

TEST_CASE("agents of one machine share its carrier, different machines do not", "[stack]") {
    auto first = worker("a", "l1");
    auto second = worker("b", "l1");
    const std::vector vms{vm("l1", "rack")};

    SECTION("one boot id: one machine") {
        second.boot = first.boot;
        const StackGraph graph(vms, {worker("rack"), first, second});
        CHECK(graph.problems().empty());
        CHECK(graph.workers_in(vm_id("l1")) == std::vector{first.id, second.id});
    }
    SECTION("two live machines contradict each other") {
        const StackGraph graph(vms, {worker("rack"), first, second});
        CHECK(only_problem(graph) == StackProblem::Kind::Claims);
        CHECK(graph.workers_in(vm_id("l1")).empty());
    }
    SECTION("a lost one was there before") {
        second.state = WorkerState::Lost;
        const StackGraph graph(vms, {worker("rack"), first, second});
        CHECK(graph.problems().empty());
        CHECK(graph.carrier_of(first.id) == vm_id("l1"));
    }
}

TEST_CASE("of a VM and its copy the one that runs is the carrier", "[stack]") {
    auto copy = vm("copy", "rack");
    copy.copy_of = vm_id("l1");
    const std::vector workers{worker("rack"), worker("l1", "l1")};

    SECTION("only the copy runs") {
        const StackGraph graph({vm("l1"), copy}, workers);
        CHECK(graph.problems().empty());
        CHECK(graph.carrier_of(worker_id("l1")) == copy.vm);
    }
    SECTION("both run") {
        const StackGraph graph({vm("l1", "rack"), copy}, workers);
        CHECK(only_problem(graph) == StackProblem::Kind::Clone);
        CHECK(graph.carrier_of(worker_id("l1")).is_none());
    }
    SECTION("neither is known to run") {
        copy.worker = {};
        const StackGraph graph({vm("l1"), copy}, workers);
        CHECK(only_problem(graph) == StackProblem::Kind::Clone);
    }
}

TEST_CASE("a carrier that runs twice carries nobody for certain", "[stack]") {
    auto carrier = vm("l1", "rack");
    carrier.conflict = true;

    const StackGraph graph({carrier}, {worker("rack"), worker("l1", "l1")});

    CHECK(only_problem(graph) == StackProblem::Kind::Conflict);
    CHECK(graph.carrier_of(worker_id("l1")).is_none());
}

TEST_CASE("a circle is taken apart, what hangs on it stays", "[stack]") {
    SECTION("a VM in itself") {
        const StackGraph graph({vm("x", "x")}, {worker("x", "x")});
        CHECK(only_problem(graph) == StackProblem::Kind::Loop);
        CHECK(graph.carriers_of(vm_id("x")).empty());
        CHECK(graph.all_inside(vm_id("x")).empty());
    }
    SECTION("two in each other, and one inside them") {
        const StackGraph graph({vm("x", "y"), vm("y", "x"), vm("in", "x"), vm("deep", "in")},
                               {worker("x", "x"), worker("y", "y"), worker("in", "in")});
        CHECK(only_problem(graph) == StackProblem::Kind::Loop);
        CHECK(graph.problems().front().workers.size() == 2);
        CHECK(graph.carrier_of(worker_id("x")).is_none());
        CHECK(graph.carrier_of(worker_id("y")).is_none());
        CHECK(labels(graph, graph.carriers_of(vm_id("deep"))) == Texts{"in"});
    }
}

TEST_CASE("what would stand deeper than anybody builds is no stack, however long", "[stack]") {
    constexpr int levels = 3000;
    std::vector<StackVm> vms;
    std::vector<WorkerRecord> workers{worker("w0")};
    for (int i = 1; i <= levels; ++i) {
        vms.push_back(vm(fmt::format("v{}", i), fmt::format("w{}", i - 1)));
        workers.push_back(worker(fmt::format("w{}", i), fmt::format("v{}", i)));
    }

    const StackGraph graph(std::move(vms), workers);

    CHECK(only_problem(graph) == StackProblem::Kind::Loop);
    CHECK(graph.problems().front().text.size() < 200);
    std::size_t most = 0;
    for (int i = 1; i <= levels; i += 97) {
        most = std::max(most, graph.carriers_of(vm_id(fmt::format("v{}", i))).size());
    }
    CHECK(most > 0);
    CHECK(most <= StackGraph::deepest);
    CHECK(graph.all_inside(vm_id("v1")).size() <= StackGraph::deepest);
}

TEST_CASE("thousands of claims to one UUID are one problem in one short sentence", "[stack]") {
    constexpr int many = 3000;
    std::vector<StackVm> vms{vm("l1", "rack")};
    std::vector<WorkerRecord> workers{worker("rack")};
    for (int i = 0; i < many; ++i) {
        auto copy = vm(fmt::format("copy{}", i), "rack");
        copy.copy_of = vm_id("l1");
        vms.push_back(std::move(copy));
        workers.push_back(worker(fmt::format("claimant{}", i), "l1"));
    }

    const StackGraph graph(std::move(vms), workers);

    CHECK(only_problem(graph) == StackProblem::Kind::Claims);
    CHECK(graph.problems().front().text.size() < 300);
    CHECK(graph.carrier_of(worker_id("claimant7")).is_none());
}
