#include "tests/unit/setup_vde/observed_machine.h"
#include "tools/setup_vde/report.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;
using namespace ctys::vde::testing;

TEST_CASE("info tells all of a switch on one screen", "[vde]") {
    auto machine = made_machine();
    machine.vde.ports.push_back(client(2, "web (QEMU user=alice pid=55)"));

    CHECK(info_text(machine) ==
          "switch    of alice, answers, pid 4711, VDE switch V.2.3.2, up 86 s\n"
          "QEMUSOCK  /var/tmp/vde_switch0.alice\n"
          "QEMUMGMT  /var/tmp/vde_mgmt0.alice\n"
          "tap       ctys1000, up\n"
          "bridge    ctysbr0 (made by ctys-setupVDE, leads out by eth0)\n"
          "attached  1\n"
          "          port 2: web (QEMU user=alice pid=55)\n");
}

TEST_CASE("ports are a table, with titles or without", "[vde]") {
    auto machine = made_machine();
    machine.vde.ports[0].bytes_in = 516;
    machine.vde.ports.push_back(client(2, "QEMU"));

    CHECK(ports_text(machine, {}) == "PORT   IN  OUT  USER   ATTACHED\n"
                                     "   1  516    0  -      TAP ctys1000\n"
                                     "   2    0    0  alice  QEMU\n");
    CHECK(ports_text(machine, {.header = false}).starts_with("1  516"));
}

TEST_CASE("a switch that works is checked in silence, another one in a sentence", "[vde]") {
    auto machine = made_machine();
    CHECK(check_works(machine));

    machine.links.back().up = false;
    CHECK(check_works(machine).error().message == "the TAP ctys1000 is down");
    machine.links.back().up = true;
    machine.links.back().master.clear();
    CHECK(check_works(machine).error().message == "the TAP ctys1000 is on no bridge");
    machine.links.pop_back();
    CHECK(check_works(machine).error().message == "the switch of alice has no TAP ctys1000");
    machine.vde = {.state = SwitchState::Dead};
    CHECK(check_works(machine).error().message ==
          "the switch of alice is dead, its files are at /var/tmp/vde_switch0.alice");
    machine.vde = {};
    CHECK(check_works(machine).error().code == ErrorCode::NotFound);
    CHECK(check_works(machine).error().try_next == "ctys-setupVDE -u alice create");
}

TEST_CASE("listall names the sockets in the folders of switches", "[vde]") {
    const auto machine = made_machine();
    const Listed one{.paths = machine.paths,
                     .owner = machine.account,
                     .group = "users",
                     .mode = "drwx--S---",
                     .tap = "ctys1000",
                     .bridge = "ctysbr0",
                     .vde = machine.vde,
                     .sockets = {"002.7", "ctl"}};
    const tools::View view{.header = false};

    CHECK(list_text({one}, false, view) ==
          "/var/tmp/vde_switch0.alice  alice  users  drwx--S---  answers  "
          "4711  ctys1000  ctysbr0  0\n");
    const auto all = list_text({one}, true, view);
    CHECK(all.find("\n/var/tmp/vde_switch0.alice/002.7 ") != std::string::npos);
    CHECK(all.find("\n/var/tmp/vde_switch0.alice/ctl ") != std::string::npos);
}

TEST_CASE("a switch's places are found again in the mark of its TAP", "[vde]") {
    const qemu::VdePaths paths{.data = "/srv/a b", .management = "/srv/m"};
    CHECK(paths_of_alias(alias_of_tap(paths)) == paths);
    CHECK_FALSE(paths_of_alias("ctys-setupVDE uplink=eth0"));
    CHECK_FALSE(paths_of_alias("sock=/a mgmt=/b"));
}

TEST_CASE("what create has made is told with the way back", "[vde]") {
    CHECK(created_text(made_machine()) ==
          "switch of alice: /var/tmp/vde_switch0.alice, pid 4711, TAP ctys1000 on ctysbr0 (made by "
          "ctys-setupVDE, leads out by eth0)\n"
          "VMs of alice join by NETWORK=vde; back: ctys-setupVDE -u alice cancel\n");
}
