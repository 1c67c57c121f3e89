#include "tools/create_conf/elsewhere.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;

using Words = std::vector<std::string>;

TEST_CASE("the host does not go to the other machine", "[create_conf]") {
    CHECK(words_without("u@h", {"--label=web", "u@h", "--auto-all"}) ==
          Words{"--label=web", "--auto-all"});
    CHECK(words_without("u@h", {"-R", "u@h"}) == Words{});
    CHECK(words_without("web", {"--label", "web", "web"}) == Words{"--label", "web"});
    CHECK(words_without("web", {"web", "--label", "web"}) == Words{"--label", "web"});
    CHECK(words_without("h", {"-Lh", "--auto-all"}) == Words{"--auto-all"});
    CHECK(words_without("x", {"-t", "QEMU"}) == Words{"-t", "QEMU"});
}

TEST_CASE("ssh gets one text, in which every word is one", "[create_conf]") {
    CallElsewhere call{.host = "u@h", .words = {"--label=web"}, .variables = {}, .asks = false};
    call.variables["DIST"] = {"de bian; reboot", Origin::Environment, {}};

    CHECK(words_of_ssh(call) == Words{"ssh",
                                      "-T",
                                      "-o",
                                      "BatchMode=yes",
                                      "-o",
                                      "ConnectTimeout=10",
                                      "--",
                                      "u@h",
                                      "env 'DIST=de bian; reboot' ctys-createConfVM --label=web"});
    call.asks = true;
    call.variables.clear();
    CHECK(words_of_ssh(call) == Words{"ssh",
                                      "-t",
                                      "-o",
                                      "ConnectTimeout=10",
                                      "--",
                                      "u@h",
                                      "env ctys-createConfVM --label=web"});
}
