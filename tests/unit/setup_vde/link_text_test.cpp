#include "tools/setup_vde/link_text.h"
#include "tools/setup_vde/processes.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;

namespace {

constexpr std::string_view links = R"([
{"ifname":"lo","flags":["LOOPBACK","UP"],"address":"00:00:00:00:00:00",
 "addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
{"ifname":"eth0","flags":["BROADCAST","UP"],"master":"br0","address":"52:54:00:00:00:09",
 "addr_info":[{"family":"inet","local":"10.1.1.5","prefixlen":24,"scope":"global"},
              {"family":"inet6","local":"fd00::5","prefixlen":64,"scope":"global"},
              {"family":"inet6","local":"fd00::99","prefixlen":64,"scope":"global","dynamic":true},
              {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]},
{"ifname":"br0","flags":["UP"],"linkinfo":{"info_kind":"bridge"},"ifalias":"ctys-setupVDE uplink=eth0"},
{}, 7, {"ifname":3}])";

} // namespace

TEST_CASE("interfaces are read with the addresses that somebody has set", "[vde]") {
    CHECK(parse_links(links).value() ==
          std::vector<Link>{
              {.name = "lo",
               .mac = "00:00:00:00:00:00",
               .up = true,
               .loopback = true,
               .own_addresses = {"127.0.0.1/8"}},
              {.name = "eth0",
               .master = "br0",
               .mac = "52:54:00:00:00:09",
               .up = true,
               .addresses = {"10.1.1.5/24", "fd00::5/64"},
               .own_addresses = {"fd00::99/64", "fe80::1/64"}},
              {.name = "br0", .kind = "bridge", .alias = "ctys-setupVDE uplink=eth0", .up = true}});
    CHECK(parse_links("").value().empty());
}

TEST_CASE("routes are read without those that come by themselves", "[vde]") {
    const auto routes = parse_routes(R"([
{"dst":"default","gateway":"10.1.1.1","dev":"eth0","metric":100,"flags":["onlink"]},
{"dst":"10.1.1.0/24","dev":"eth0","protocol":"kernel","flags":[]},
{"dst":"default","gateway":"fe80::2","dev":"eth0","protocol":"ra","flags":[]},
{"dst":"10.9.0.0/16","gateway":"10.1.1.2","dev":"eth0","prefsrc":"10.1.1.5","flags":[]},
{"dst":"10.8.0.0/16"}])",
                                     false);
    CHECK(routes.value() == std::vector<Route>{{.link = "eth0",
                                                .destination = "default",
                                                .gateway = "10.1.1.1",
                                                .metric = 100,
                                                .onlink = true},
                                               {.link = "eth0",
                                                .destination = "10.9.0.0/16",
                                                .gateway = "10.1.1.2",
                                                .source = "10.1.1.5"}});
}

TEST_CASE("what is not JSON is told with its beginning", "[vde]") {
    CHECK(parse_links("Usage: ip").error().message == "ip does not print JSON: Usage: ip");
    CHECK(parse_routes("{}", true).error().code == ErrorCode::Malformed);
}

TEST_CASE("the local address of a connection of ours is found, of strangers not", "[vde]") {
    const std::string table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
                              "retrnsmt   uid  timeout inode\n"
                              "   0: 0501010A:0016 0201010A:D3A2 01 00000000:00000000 02:0009A5B1 "
                              "00000000     0        0 777 4\n"
                              "   1: 0601010A:0016 0201010A:D3A2 01 00000000:00000000 02:0009A5B1 "
                              "00000000     0        0 778 4\n"
                              "   2: 0701010A:0016 00000000:0000 0A 00000000:00000000 00:00000000 "
                              "00000000     0        0 777 4\n"
                              "   3: zz 01\n";
    CHECK(local_addresses(table, {777}) == std::vector<std::string>{"10.1.1.5"});
    CHECK(local_addresses(table, {1}).empty());

    const std::string mapped = "   0: 0000000000000000FFFF00000501010A:0016 "
                               "0000000000000000FFFF00000201010A:D3A2 01 0:0 0:0 0 0 0 9\n"
                               "   1: 000000FD000000000000000005000000:0016 "
                               "0000000000000000FFFF00000201010A:D3A2 01 0:0 0:0 0 0 0 9\n";
    CHECK(local_addresses(mapped, {9}) == std::vector<std::string>{"10.1.1.5", "fd00::5"});
}

TEST_CASE("a switch is known by its command line", "[vde]") {
    CHECK(is_switch_of({"/usr/bin/vde_switch", "-d", "-s", "/s"}, "/s"));
    CHECK(is_switch_of({"vde_switch", "--sock=/s"}, "/s"));
    CHECK_FALSE(is_switch_of({"vde_switch", "-s", "/other"}, "/s"));
    CHECK_FALSE(is_switch_of({"vde_switch", "-M", "/s"}, "/s"));
    CHECK_FALSE(is_switch_of({"editor", "-s", "/s"}, "/s"));
    CHECK_FALSE(is_switch_of({"vde_switch", "-s"}, "/s"));
    CHECK_FALSE(is_switch_of({}, "/s"));
}
