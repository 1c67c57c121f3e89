#include "tests/unit/setup_vde/observed_machine.h"
#include "tools/setup_vde/network_plan.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;
using namespace ctys::vde::testing;

namespace {

using Lines = std::vector<std::string>;
const Request asked{.action = Action::Create, .user = "alice"};

Error why_not_created(const Observed& machine, const Request& request = asked) {
    const auto plan = decide_create(request, machine);
    REQUIRE_FALSE(plan);
    return plan.error();
}

const Lines tap_and_switch{
    "ip tuntap add dev ctys1000 mode tap user 1000",
    "ip link set dev ctys1000 alias 'ctys-setupVDE sock=/var/tmp/vde_switch0.alice "
    "mgmt=/var/tmp/vde_mgmt0.alice'",
    "ip link set dev ctys1000 master ctysbr0",
    "ip link set dev ctys1000 up",
    "as alice: vde_switch -d -s /var/tmp/vde_switch0.alice -M /var/tmp/vde_mgmt0.alice -t ctys1000 "
    "-m 600 --mgmtmode 600",
    "wait until the switch answers at /var/tmp/vde_mgmt0.alice with ctys1000"};

Lines with(Lines lines, const Lines& more) {
    lines.insert(lines.end(), more.begin(), more.end());
    return lines;
}

} // namespace

TEST_CASE("on a bare machine the bridge takes over the interface that leads out", "[vde]") {
    const auto machine = bare_machine();

    const auto plan = decide_create(asked, machine).value();

    CHECK(acts(plan, machine) ==
          with({"ip link add name ctysbr0 address 52:54:00:00:00:09 type bridge forward_delay 0",
                "ip link set dev ctysbr0 alias 'ctys-setupVDE uplink=eth0'",
                "ip link set dev ctysbr0 up",
                "ip link set dev eth0 master ctysbr0",
                "ip route delete default via 10.1.1.1 dev eth0 metric 100",
                "ip address delete 10.1.1.6/24 dev eth0",
                "ip address delete 10.1.1.5/24 dev eth0",
                "ip address add 10.1.1.5/24 dev ctysbr0",
                "ip address add 10.1.1.6/24 dev ctysbr0",
                "ip route replace default via 10.1.1.1 dev ctysbr0 metric 100"},
               tap_and_switch));
}

TEST_CASE("undone, a machine has its addresses before the routes that need them", "[vde]") {
    const auto machine = bare_machine();

    CHECK(undoing(decide_create(asked, machine).value(), machine) ==
          Lines{"ask the switch at /var/tmp/vde_mgmt0.alice to end, else kill it",
                "ip link delete dev ctys1000",
                "ip route delete default via 10.1.1.1 dev ctysbr0 metric 100",
                "ip address delete 10.1.1.6/24 dev ctysbr0",
                "ip address delete 10.1.1.5/24 dev ctysbr0",
                "ip address replace 10.1.1.5/24 dev eth0",
                "ip address replace 10.1.1.6/24 dev eth0",
                "ip route replace default via 10.1.1.1 dev eth0 metric 100",
                "ip link set dev eth0 nomaster",
                "ip link delete dev ctysbr0"});
}

TEST_CASE("a bridge without an interface needs none", "[vde]") {
    const auto machine = bare_machine();
    auto request = asked;
    request.uplink = "none";

    const auto plan = decide_create(request, machine).value();

    CHECK(acts(plan, machine) == with({"ip link add name ctysbr0 type bridge forward_delay 0",
                                       "ip link set dev ctysbr0 alias ctys-setupVDE",
                                       "ip link set dev ctysbr0 up"},
                                      tap_and_switch));
    CHECK(plan.notes == Lines{"ctysbr0 leads nowhere: VMs reach each other and this machine only; "
                              "-i names the interface it is to lead out by"});
}

TEST_CASE("a bridge that is there is joined and stays as it is", "[vde]") {
    auto machine = bare_machine();
    machine.links.push_back(
        {.name = "br0", .kind = "bridge", .up = true, .addresses = {"10.2.0.1/24"}});
    auto request = asked;
    request.bridge = "br0";

    const auto plan = decide_create(request, machine).value();

    auto wanted = tap_and_switch;
    wanted[2] = "ip link set dev ctys1000 master br0";
    CHECK(acts(plan, machine) == wanted);
    CHECK(plan.notes == Lines{"the TAP joins the bridge br0 (10.2.0.1/24), which stays as it is"});
}

TEST_CASE("the bridge that the machine leads out by is found without being named", "[vde]") {
    auto machine = bare_machine();
    machine.links.push_back({.name = "br0", .kind = "bridge", .up = true});
    SECTION("it has the default route") {
        machine.routes[0].link = "br0";
    }
    SECTION("the interface is in it") {
        machine.links[2].master = "br0";
    }

    CHECK(choose_bridge(asked, machine) == Attachment{.bridge = "br0"});
}

TEST_CASE("a second user joins the bridge that the first one got", "[vde]") {
    auto machine = made_machine();
    machine.account = {.uid = 1001, .gid = 1001, .name = "bob"};
    machine.paths = qemu::default_vde_paths("bob");
    machine.vde = {};

    const auto plan = decide_create({.action = Action::Create, .user = "bob"}, machine).value();

    CHECK(acts(plan, machine).front() == "ip tuntap add dev ctys1001 mode tap user 1001");
    CHECK(plan.notes.empty());
}

TEST_CASE("a group may attach VMs and never manage the switch", "[vde]") {
    const auto machine = bare_machine();
    auto request = asked;
    request.group = "kvm";

    const auto lines = acts(decide_create(request, machine).value(), machine);

    CHECK(lines[lines.size() - 2] ==
          "as alice: vde_switch -d -s /var/tmp/vde_switch0.alice -M /var/tmp/vde_mgmt0.alice -t "
          "ctys1000 -g kvm -m 660 --dirmode 2770 --mgmtmode 600");
}

TEST_CASE("the connection one works over is not cut unless one insists", "[vde]") {
    auto machine = bare_machine();
    machine.connections = {"10.1.1.6"};

    const auto error = why_not_created(machine);
    CHECK(error.code == ErrorCode::Refused);
    CHECK(error.message ==
          "the connection you work over comes in at 10.1.1.6 of eth0, whose addresses "
          "would move and might not come back");
    CHECK(error.try_next.starts_with("ctys-setupVDE -f -u alice create "));

    auto request = asked;
    request.uplink = "eth0";
    CHECK(decide_create(request, machine)
              .error()
              .try_next.starts_with("ctys-setupVDE -f -u alice -i eth0 create "));
    request.force = true;
    CHECK(decide_create(request, machine));
    request.force = false;
    request.uplink = "none";
    CHECK(decide_create(request, machine));
}

TEST_CASE("an address that a router has given counts as well", "[vde]") {
    auto machine = bare_machine();
    machine.links[2].own_addresses = {"fe80::5/64", "fd00::99/64"};
    machine.connections = {"fd00::99"};

    CHECK(why_not_created(machine).message.find("fd00::99 of eth0") != std::string::npos);
}

TEST_CASE("a program on a network file system does not take its network away", "[vde]") {
    auto machine = bare_machine();
    machine.program_is_remote = true;

    CHECK(
        why_not_created(machine).message ==
        "this program lies on a network file system, which may be gone while the addresses of eth0 "
        "move");
}

TEST_CASE("a switch that answers is used again", "[vde]") {
    const auto machine = made_machine();

    const auto plan = decide_create(asked, machine).value();

    CHECK(plan.steps.empty());
    CHECK(plan.notes == Lines{"the switch of alice answers already (pid 4711): it is used"});
}

TEST_CASE("a switch on another bridge than asked for is not used again", "[vde]") {
    auto request = asked;
    request.bridge = "br7";
    const auto error = why_not_created(made_machine(), request);
    CHECK(error.code == ErrorCode::Conflict);
    CHECK(error.message == "the switch of alice is there already, on ctysbr0, not on br7");
    CHECK(error.try_next == "ctys-setupVDE -u alice cancel");

    request = asked;
    request.uplink = "eth1";
    CHECK(why_not_created(made_machine(), request).message ==
          "the switch of alice is there already, on ctysbr0, not on the bridge of eth1");
    request.uplink = "eth0";
    CHECK(decide_create(request, made_machine()));
}

TEST_CASE("a switch that has lost its TAP is not used again", "[vde]") {
    auto machine = made_machine();
    SECTION("the TAP is gone") {
        machine.links.pop_back();
    }
    SECTION("the switch has closed it") {
        machine.vde.ports.clear();
    }

    CHECK(why_not_created(machine).message ==
          "the switch of alice (pid 4711) runs without its TAP ctys1000");
}

TEST_CASE("what a dead switch has left is taken away first", "[vde]") {
    auto machine = made_machine();
    machine.vde = {.state = SwitchState::Dead};

    const auto lines = acts(decide_create(asked, machine).value(), machine);

    CHECK(Lines(lines.begin(), lines.begin() + 3) ==
          Lines{"rm -r /var/tmp/vde_switch0.alice /var/tmp/vde_mgmt0.alice",
                "ip link delete dev ctys1000",
                "ip tuntap add dev ctys1000 mode tap user 1000"});
}

TEST_CASE("a user has one switch, wherever it is", "[vde]") {
    auto machine = made_machine();
    machine.paths = {.data = "/srv/sw", .management = "/srv/mgmt"};
    machine.vde = {};

    const auto error = why_not_created(machine);

    CHECK(error.code == ErrorCode::Conflict);
    CHECK(error.message == "alice has a switch already, at /var/tmp/vde_switch0.alice; one is for "
                           "all VMs of a user");
}

TEST_CASE("the switch is where the mark of its TAP says, unless one asks for another place",
          "[vde]") {
    auto machine = made_machine();
    machine.links.back().alias = alias_of_tap({.data = "/srv/sw", .management = "/srv/mgmt"});

    CHECK(resolve_paths({}, machine) == qemu::VdePaths{"/srv/sw", "/srv/mgmt"});
    CHECK(resolve_paths({.paths = {"/a", ""}}, machine) ==
          qemu::VdePaths{"/a", "/var/tmp/vde_mgmt0.alice"});
    CHECK(resolve_paths({}, bare_machine()) == qemu::default_vde_paths("alice"));
}

TEST_CASE("what is in the way is told and left alone", "[vde]") {
    auto machine = bare_machine();
    SECTION("a TAP of somebody else") {
        machine.links.push_back({.name = "ctys1000", .kind = "tun"});
        CHECK(why_not_created(machine).message ==
              "there is an interface ctys1000 that ctys-setupVDE has not made");
    }
    SECTION("a switch that hangs") {
        machine.vde = {.state = SwitchState::Hung, .why = "it does not answer"};
        CHECK(why_not_created(machine).try_next == "ctys-setupVDE -f -u alice cancel");
    }
    SECTION("something else at its place") {
        machine.vde = {.state = SwitchState::Strange, .why = "/var/tmp/x belongs to user 7"};
        CHECK(why_not_created(machine).message == "/var/tmp/x belongs to user 7");
    }
    SECTION("an interface of the bridge's name") {
        machine.links.push_back({.name = "ctysbr0", .kind = "dummy"});
        CHECK(why_not_created(machine).message ==
              "ctysbr0 is an interface of another kind (dummy), not a bridge");
    }
    CHECK(why_not_created(machine).code == ErrorCode::Conflict);
}

TEST_CASE("an interface that cannot lead out is told", "[vde]") {
    auto machine = bare_machine();
    machine.links.push_back(
        {.name = "br0", .kind = "bridge", .up = true, .addresses = {"10.2.0.1/24"}});
    const auto why = [&](const std::string& uplink, const std::string& bridge = {}) {
        auto request = asked;
        request.uplink = uplink;
        request.bridge = bridge;
        return why_not_created(machine, request);
    };
    CHECK(why("eth7").code == ErrorCode::NotFound);
    CHECK(why("eth7").message == "there is no interface eth7; there are: eth1, eth0");
    CHECK(why("lo").message == "lo leads nowhere: it is the loopback");
    CHECK(why("br0").try_next == "ctys-setupVDE -b br0 create");
    CHECK(why("eth0", "br0").message ==
          "the bridge br0 (10.2.0.1/24) is there already, without eth0 "
          "(10.1.1.5/24, 10.1.1.6/24)");
    machine.links[2].master = "br0";
    CHECK(why("eth0", "br1").message == "eth0 leads out by the bridge br0 already");
}

TEST_CASE("what a machine lacks is told before anything is made", "[vde]") {
    auto machine = bare_machine();
    SECTION("root") {
        machine.is_root = false;
        CHECK(why_not_created(machine).code == ErrorCode::Refused);
        CHECK(why_not_created(machine).try_next == "sudo ctys-setupVDE -u alice create");
    }
    SECTION("programs") {
        machine.missing_packages = {"vde2", "iproute2"};
        CHECK(why_not_created(machine).message ==
              "programs of vde2 and iproute2 are not installed");
        CHECK(why_not_created(machine).try_next == "apt install vde2 iproute2");
    }
    SECTION("a TUN device") {
        machine.why_no_tun = "Permission denied";
        CHECK(why_not_created(machine).message ==
              "alice cannot open /dev/net/tun: Permission denied; without it a switch has no TAP");
    }
}

TEST_CASE("without rights the steps are shown with all that is missing", "[vde]") {
    auto machine = bare_machine();
    auto shown = asked;
    shown.only_shows = true;
    const auto steps = acts(decide_create(shown, machine).value(), machine);
    machine.is_root = false;
    machine.missing_packages = {"vde2"};
    machine.why_no_tun = "Permission denied";

    const auto plan = decide_create(shown, machine).value();

    CHECK(acts(plan, machine) == steps);
    Lines missing;
    for (const auto& lack : plan.missing)
        missing.push_back(lack.message);
    CHECK(missing ==
          Lines{"TAP devices and bridges are made by root only",
                "programs of vde2 are not installed",
                "alice cannot open /dev/net/tun: Permission denied; without it a switch has no "
                "TAP"});
    CHECK(plan.missing.front().try_next == "sudo ctys-setupVDE -u alice create");
}

TEST_CASE("what is wrong in any case is told before what is missing", "[vde]") {
    auto machine = GENERATE(bare_machine(), made_machine());
    machine.is_root = false;
    machine.missing_packages = {"vde2"};
    machine.why_no_tun = "Permission denied";
    auto request = asked;
    request.uplink = "eth7";
    request.only_shows = GENERATE(false, true);

    CHECK(why_not_created(machine, request).code == ErrorCode::NotFound);
    CHECK(why_not_created(machine, request).message.starts_with("there is no interface eth7"));
}

TEST_CASE("a user's switch that answers is used without root, unless it goes with a VM", "[vde]") {
    auto machine = made_machine();
    machine.is_root = false;
    auto request = asked;
    CHECK(decide_create(request, machine).value().steps.empty());

    request.with_last = true;

    CHECK(why_not_created(machine, request).code == ErrorCode::Refused);
}

TEST_CASE("routes of both families keep all they say, those to gateways come first", "[vde]") {
    auto machine = bare_machine();
    machine.links[2].addresses = {"10.1.1.5/32"};
    machine.routes = {
        {.link = "eth0", .destination = "default", .gateway = "fd00::1", .ipv6 = true},
        {.link = "eth0",
         .destination = "10.9.0.0/16",
         .gateway = "10.1.1.2",
         .source = "10.1.1.5",
         .onlink = true},
        {.link = "eth1", .destination = "10.8.0.0/16"},
        {.link = "eth0", .destination = "10.1.1.2"}};
    auto request = asked;
    request.uplink = "eth0";
    const auto plan = decide_create(request, machine).value();
    const auto routes = [](const Lines& lines) {
        Lines out;
        for (const auto& line : lines) {
            if (line.find("route") != std::string::npos) out.push_back(line);
        }
        return out;
    };

    CHECK(routes(acts(plan, machine)) ==
          Lines{"ip route delete 10.9.0.0/16 via 10.1.1.2 dev eth0 src 10.1.1.5 onlink",
                "ip -6 route delete default via fd00::1 dev eth0",
                "ip route delete 10.1.1.2 dev eth0",
                "ip route replace 10.1.1.2 dev ctysbr0",
                "ip -6 route replace default via fd00::1 dev ctysbr0",
                "ip route replace 10.9.0.0/16 via 10.1.1.2 dev ctysbr0 src 10.1.1.5 onlink"});
    const auto undone = routes(undoing(plan, machine));
    CHECK(Lines(undone.begin() + 3, undone.end()) ==
          Lines{"ip route replace 10.1.1.2 dev eth0",
                "ip -6 route replace default via fd00::1 dev eth0",
                "ip route replace 10.9.0.0/16 via 10.1.1.2 dev eth0 src 10.1.1.5 onlink"});
}
