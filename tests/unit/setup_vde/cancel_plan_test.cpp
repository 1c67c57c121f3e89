#include "tests/unit/setup_vde/observed_machine.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;
using namespace ctys::vde::testing;

namespace {

using Lines = std::vector<std::string>;
const Request asked_back{.action = Action::Cancel, .user = "alice"};

Error why_not_cancelled(const Observed& machine, const Request& request = asked_back) {
    const auto plan = decide_cancel(request, machine);
    REQUIRE_FALSE(plan);
    return plan.error();
}

} // namespace

TEST_CASE("cancel takes back all that create has made", "[vde]") {
    const auto machine = made_machine();

    const auto plan = decide_cancel(asked_back, machine).value();

    CHECK(acts(plan, machine) ==
          Lines{"ask the switch at /var/tmp/vde_mgmt0.alice to end",
                "ip link delete dev ctys1000",
                "ip link set dev eth0 nomaster",
                "ip route delete default via 10.1.1.1 dev ctysbr0 metric 100",
                "ip address delete 10.1.1.6/24 dev ctysbr0",
                "ip address delete 10.1.1.5/24 dev ctysbr0",
                "ip address add 10.1.1.5/24 dev eth0",
                "ip address add 10.1.1.6/24 dev eth0",
                "ip route replace default via 10.1.1.1 dev eth0 metric 100",
                "ip link delete dev ctysbr0"});
    CHECK(plan.notes.empty());
}

TEST_CASE("a bridge that cannot be taken away keeps its addresses", "[vde]") {
    const auto machine = made_machine();

    CHECK(undoing(decide_cancel(asked_back, machine).value(), machine) ==
          Lines{"ip route delete default via 10.1.1.1 dev eth0 metric 100",
                "ip address delete 10.1.1.6/24 dev eth0",
                "ip address delete 10.1.1.5/24 dev eth0",
                "ip address replace 10.1.1.5/24 dev ctysbr0",
                "ip address replace 10.1.1.6/24 dev ctysbr0",
                "ip route replace default via 10.1.1.1 dev ctysbr0 metric 100",
                "ip link set dev eth0 master ctysbr0"});
}

TEST_CASE("a switch with clients stays, and they are named", "[vde]") {
    auto machine = made_machine();
    machine.vde.ports.push_back(client(2, "web (QEMU user=alice pid=55)"));

    auto error = why_not_cancelled(machine);
    CHECK(error.code == ErrorCode::Conflict);
    CHECK(error.message == "a VM is attached to the switch of alice");
    CHECK(error.evidence == Lines{"port 2: web (QEMU user=alice pid=55)"});
    CHECK(error.try_next.starts_with("ctys-setupVDE --last -u alice cancel"));

    machine.vde.ports.push_back(client(3, "QEMU"));
    CHECK(why_not_cancelled(machine).message == "2 are attached to the switch of alice");
    auto request = asked_back;
    request.force = true;
    CHECK(acts(decide_cancel(request, machine).value(), machine).front() ==
          "ask the switch at /var/tmp/vde_mgmt0.alice to end, else kill it");
}

TEST_CASE("a bridge that others use, or that we have not made, stays", "[vde]") {
    auto machine = made_machine();
    std::string note;
    SECTION("a TAP of another user") {
        machine.links.push_back({.name = "ctys1001", .kind = "tun", .master = "ctysbr0"});
        note = "the bridge ctysbr0 stays: ctys1001 is on it";
    }
    SECTION("no mark of ours") {
        machine.links[3].alias.clear();
        note = "the bridge ctysbr0 stays: it was not made by ctys-setupVDE";
    }

    const auto plan = decide_cancel(asked_back, machine).value();

    CHECK(acts(plan, machine) == Lines{"ask the switch at /var/tmp/vde_mgmt0.alice to end",
                                       "ip link delete dev ctys1000"});
    CHECK(plan.notes == Lines{note});
}

TEST_CASE("a bridge whose interface is gone is taken away as it is", "[vde]") {
    auto machine = made_machine();
    machine.links.erase(machine.links.begin() + 2);

    CHECK(acts(decide_cancel(asked_back, machine).value(), machine) ==
          Lines{"ask the switch at /var/tmp/vde_mgmt0.alice to end",
                "ip link delete dev ctys1000",
                "ip link delete dev ctysbr0"});
}

TEST_CASE("what a switch that was killed has left is taken away", "[vde]") {
    auto machine = made_machine();
    machine.vde = {.state = SwitchState::Dead};
    CHECK(acts(decide_cancel(asked_back, machine).value(), machine)[0] ==
          "rm -r /var/tmp/vde_switch0.alice /var/tmp/vde_mgmt0.alice");

    // Its files were removed by hand.
    machine.vde = {};
    CHECK(acts(decide_cancel(asked_back, machine).value(), machine)[0] ==
          "ip link delete dev ctys1000");

    // And its TAP too.
    machine.links.pop_back();
    CHECK(acts(decide_cancel(asked_back, machine).value(), machine)[0] ==
          "ip link set dev eth0 nomaster");
}

TEST_CASE("where nothing is there is nothing to do", "[vde]") {
    const auto plan = decide_cancel(asked_back, bare_machine()).value();

    CHECK(plan.steps.empty());
    CHECK(plan.notes == Lines{"there is nothing of alice to take away"});
}

TEST_CASE("the TAP of a switch that is somewhere else stays", "[vde]") {
    auto machine = made_machine();
    machine.paths = {.data = "/srv/sw", .management = "/srv/mgmt"};
    machine.vde = {};

    const auto plan = decide_cancel(asked_back, machine).value();

    CHECK(plan.steps.empty());
    CHECK(plan.notes == Lines{"there is nothing of alice to take away",
                              "the bridge ctysbr0 stays: ctys1000 is on it"});
}

TEST_CASE("an interface of the TAP's name that is not ours stays", "[vde]") {
    auto machine = bare_machine();
    machine.links.push_back({.name = "ctys1000", .kind = "tun"});

    CHECK(decide_cancel(asked_back, machine).value().steps.empty());
}

TEST_CASE("a switch that hangs is killed if one insists", "[vde]") {
    auto machine = made_machine();
    machine.vde = {.state = SwitchState::Hung,
                   .why = "the switch of alice (pid 3) does not answer"};

    CHECK(why_not_cancelled(machine).message == "the switch of alice (pid 3) does not answer");
    auto request = asked_back;
    request.force = true;
    const auto lines = acts(decide_cancel(request, machine).value(), machine);
    CHECK(Lines(lines.begin(), lines.begin() + 2) ==
          Lines{"ask the switch at /var/tmp/vde_mgmt0.alice to end, else kill it",
                "rm -r /var/tmp/vde_switch0.alice /var/tmp/vde_mgmt0.alice"});
}

TEST_CASE("something else at the switch's place is left alone, also if one insists", "[vde]") {
    auto machine = made_machine();
    machine.vde = {.state = SwitchState::Strange, .why = "/var/tmp/x belongs to user 7"};
    auto request = asked_back;
    request.force = true;

    CHECK(why_not_cancelled(machine, request).message == "/var/tmp/x belongs to user 7");
}

TEST_CASE("cancel does not cut the connection either, and needs root", "[vde]") {
    auto machine = made_machine();
    machine.connections = {"10.1.1.5"};
    CHECK(why_not_cancelled(machine).code == ErrorCode::Refused);
    CHECK(why_not_cancelled(machine).message.starts_with(
        "the connection you work over comes in at 10.1.1.5 of ctysbr0"));

    machine.connections.clear();
    machine.is_root = false;
    CHECK(why_not_cancelled(machine).code == ErrorCode::Refused);
    CHECK(why_not_cancelled(machine).try_next == "sudo ctys-setupVDE -u alice cancel");
}

TEST_CASE("without rights the steps of a cancel are shown with what is missing", "[vde]") {
    auto machine = made_machine();
    const Request shown{.action = Action::Cancel, .user = "alice", .only_shows = true};
    const auto steps = acts(decide_cancel(shown, machine).value(), machine);

    machine.is_root = false;
    const auto plan = decide_cancel(shown, machine).value();

    CHECK(acts(plan, machine) == steps);
    REQUIRE(plan.missing.size() == 1);
    CHECK(plan.missing.front().try_next == "sudo ctys-setupVDE -u alice cancel");
}

TEST_CASE("only root waits for the last VM", "[vde]") {
    auto machine = made_machine();
    machine.is_root = false;
    machine.vde.ports.push_back(client(2, "web"));
    const Request last{.action = Action::Cancel, .user = "alice", .with_last = true};

    const auto plan = decide_cancel(last, machine);

    REQUIRE_FALSE(plan);
    CHECK(plan.error().try_next == "sudo ctys-setupVDE -u alice --last cancel");
}
