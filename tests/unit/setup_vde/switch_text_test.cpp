#include "tools/setup_vde/switch_text.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;

namespace {

// As vde_switch 2.3.2 of Debian 12 prints it.
constexpr std::string_view info =
    "VDE switch V.2.3.2\n"
    "(C) Virtual Square Team (coord. R. Davoli) 2005,2006,2007 - GPLv2\n"
    "\n"
    "pid 4711 MAC 00:ff:93:62:c4:02 uptime 86\n"
    "mgmt /var/tmp/vde_mgmt0.alice perm 0600\n";
constexpr std::string_view ports =
    "Port 0001 untagged_vlan=0000 ACTIVE - Unnamed Allocatable\n"
    " Current User: NONE Access Control: (User: NONE - Group: NONE)\n"
    " IN:  pkts          6          bytes                  516\n"
    " OUT: pkts          0          bytes                    7\n"
    "  -- endpoint ID 0006 module tuntap      : ctys1000\n"
    "Port 0002 untagged_vlan=0000 ACTIVE - Unnamed Allocatable\n"
    " Current User: alice Access Control: (User: NONE - Group: NONE)\n"
    " IN:  pkts          0          bytes                    0\n"
    " OUT: pkts          0          bytes                    0\n"
    "  -- endpoint ID 0003 module unix prog   : QEMU user=alice pid=55\n";

} // namespace

TEST_CASE("an answer with data is read to its end", "[vde]") {
    const auto bytes =
        "0000 DATA END WITH '.'\nctl dir /s\nstd mode 0600\n.\n1000 Success\n\nvde$ ";
    CHECK(read_answer(bytes) == Answer{1000, "ctl dir /s\nstd mode 0600\n"});
}

TEST_CASE("an answer without data has its status", "[vde]") {
    CHECK(read_answer("1038 Function not implemented\n") == Answer{1038, ""});
    CHECK_FALSE(read_answer("1038 Function not implemented\n")->is_success());
}

TEST_CASE("what the switch tells unasked, and its prompt, are no answer", "[vde]") {
    CHECK(read_answer("3021 new port 2\nvde$ vde$ 1000 Success\n") == Answer{1000, ""});
}

TEST_CASE("an answer is not there before its last line is complete", "[vde]") {
    const std::string bytes = "0000 DATA END WITH '.'\n1000 Success\n.\n1000 Success\n";
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK_FALSE(read_answer(std::string_view{bytes}.substr(0, size)));
    }
    CHECK(read_answer(bytes) == Answer{1000, "1000 Success\n"});
}

TEST_CASE("a switch says who it is", "[vde]") {
    CHECK(parse_info(info) == SwitchInfo{4711, "VDE switch V.2.3.2", 86});
    CHECK(parse_info("pid x\npid -3\n") == SwitchInfo{});
    CHECK(parse_info("") == SwitchInfo{});
}

TEST_CASE("ports are read with who is on them", "[vde]") {
    CHECK(parse_ports(ports) ==
          std::vector<Port>{{1, "", 516, 7, {{true, "ctys1000", 0}}},
                            {2, "alice", 0, 0, {{false, "QEMU user=alice pid=55", 55}}}});
}

TEST_CASE("what a client calls itself is shown and not believed", "[vde]") {
    const auto named = [](std::string_view name) {
        return parse_ports(
            fmt::format("Port 0001 x\n  -- endpoint ID 1 module unix prog : {}\n", name));
    };
    // A TAP is one by the module that the switch names, not by what a client says.
    CHECK(named("x module tuntap : eth0").at(0).endpoints ==
          std::vector<Endpoint>{{false, "x module tuntap : eth0", 0}});
    CHECK(named("a\x1b[2J").at(0).endpoints.at(0).text == "a?[2J");
    CHECK(named("pid=1 pid=99").at(0).endpoints.at(0).pid == 99);
    CHECK(named("pid=99999999999999").at(0).endpoints.at(0).pid == 0);
}

TEST_CASE("a port that somebody has left is there without anybody on it", "[vde]") {
    const auto left = parse_ports("Port 0002 untagged_vlan=0000 INACTIVE - Unnamed Allocatable\n"
                                  " Current User: NONE Access Control: (User: NONE - Group: NONE)\n"
                                  " IN:  pkts          0          bytes                    0\n"
                                  " OUT: pkts          1          bytes                   70\n");
    CHECK(left == std::vector<Port>{{2, "", 0, 70, {}}});
}

TEST_CASE("lines that belong to no port are skipped", "[vde]") {
    CHECK(parse_ports("  -- endpoint ID 1 module tuntap : t\nnonsense\n").empty());
    CHECK(parse_ports("Port \n IN: bytes\n  -- endpoint\n") ==
          std::vector<Port>{{0, "", 0, 0, {Endpoint{}}}});
}

TEST_CASE("a switch of endless ports is read up to a bound", "[vde]") {
    std::string text;
    for (int i = 0; i < 10'000; ++i) {
        text += "Port 1\n  -- endpoint ID 1 module unix prog : x\n";
    }
    CHECK(parse_ports(text).size() == 4096);
}
