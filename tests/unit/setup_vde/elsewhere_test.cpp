#include "tools/setup_vde/elsewhere.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;

namespace {

std::string text_there(const Request& request) {
    return words_for("root@app2", request).back();
}

} // namespace

TEST_CASE("another machine is reached by exactly these words of ssh", "[vde]") {
    CHECK(words_for("root@app2", {.action = Action::Create, .user = "alice"}) ==
          std::vector<std::string>{"ssh",
                                   "-T",
                                   "-o",
                                   "BatchMode=yes",
                                   "-o",
                                   "ConnectTimeout=10",
                                   "-o",
                                   "ServerAliveInterval=5",
                                   "-o",
                                   "ServerAliveCountMax=6",
                                   "--",
                                   "root@app2",
                                   "ctys-setupVDE -u alice create"});
}

TEST_CASE("every option goes along to another machine, the machines do not", "[vde]") {
    CHECK(text_there({.action = Action::Cancel,
                      .machines = {"root@app2", "app3"},
                      .user = "alice.users",
                      .uplink = "eth1",
                      .bridge = "br0",
                      .paths = {"/s", "/m"},
                      .group = "kvm",
                      .force = true,
                      .header = false,
                      .terse = true,
                      .with_last = true,
                      .only_shows = true}) ==
          "ctys-setupVDE -f -u alice.users -i eth1 -b br0 -s /s -S /m -g kvm -n -X --last "
          "--dry-run cancel");
}

TEST_CASE("the shell of another machine takes values for nothing else", "[vde]") {
    CHECK(text_there({.action = Action::Info, .user = "a b; $(reboot)"}) ==
          "ctys-setupVDE -u 'a b; $(reboot)' info");
}

TEST_CASE("several machines that differ are done in part", "[vde]") {
    CHECK(status_of_all({0}) == 0);
    CHECK(status_of_all({0, 0}) == 0);
    CHECK(status_of_all({5, 5}) == 5);
    CHECK(status_of_all({0, 5}) == 8);
}
