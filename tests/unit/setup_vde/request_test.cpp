#include "tools/setup_vde/request.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::vde;

namespace {

Request parsed(const std::vector<std::string>& words) {
    const auto result = parse_arguments(words);
    REQUIRE(result);
    REQUIRE(std::holds_alternative<Request>(*result));
    return std::get<Request>(*result);
}

Error refused(const std::vector<std::string>& words) {
    const auto result = parse_arguments(words);
    REQUIRE_FALSE(result);
    return result.error();
}

} // namespace

TEST_CASE("the call of the original is understood", "[vde]") {
    CHECK(parsed({"-u", "tstUser", "create"}) ==
          Request{.action = Action::Create, .user = "tstUser"});
    CHECK(parsed({"-u",
                  "tstUser.users",
                  "-i",
                  "eth1",
                  "-b",
                  "br0",
                  "-s",
                  "/s",
                  "-S",
                  "/m",
                  "-g",
                  "kvm",
                  "-f",
                  "-n",
                  "CANCEL"}) == Request{.action = Action::Cancel,
                                        .user = "tstUser.users",
                                        .uplink = "eth1",
                                        .bridge = "br0",
                                        .paths = {"/s", "/m"},
                                        .group = "kvm",
                                        .force = true,
                                        .header = false});
}

TEST_CASE("every action of the original is understood in any case", "[vde]") {
    const auto [word, action] =
        GENERATE(table<std::string, Action>({{"create", Action::Create},
                                             {"Cancel", Action::Cancel},
                                             {"check", Action::Check},
                                             {"INFO", Action::Info},
                                             {"ports", Action::Ports},
                                             {"list", Action::List},
                                             {"listAll", Action::ListAll}}));
    CHECK(parsed({word}).action == action);
    CHECK(parsed({word, "localhost"}).machines == std::vector<std::string>{"localhost"});
}

TEST_CASE("what belongs to create and cancel is understood there", "[vde]") {
    CHECK(parsed({"--last", "cancel"}).with_last);
    CHECK(parsed({"create", "--dry-run"}).only_shows);
    CHECK(refused({"--last", "info"}).message == "--last and --dry-run are for create and cancel");
}

TEST_CASE("other machines come behind the action", "[vde]") {
    CHECK(parsed({"-u", "alice", "create", "root@app2", "localhost", "fe80::1%eth0"}).machines ==
          std::vector<std::string>{"root@app2", "localhost", "fe80::1%eth0"});
    CHECK(parsed({"create"}).machines.empty());
    CHECK(refused({"--stay", "cancel", "app2"}).message == "what stays behind stays here");
}

TEST_CASE("options of the original name other machines and who to be there", "[vde]") {
    CHECK(parsed({"-l", "root", "-r", "app1,app2", "create", "ann@app3", "localhost"}).machines ==
          std::vector<std::string>{"ann@app3", "localhost", "root@app1", "root@app2"});
    CHECK(parsed({"-r", "app1 app2", "list"}).machines == std::vector<std::string>{"app1", "app2"});
    CHECK(refused({"-l", "root", "create"}).message ==
          "-l names who to be on another machine, and there is none");
    CHECK(refused({"-l", "a@b", "create", "app1"}).message == "-l a@b: no name of a user");
    CHECK(refused({"-r", "-oProxyCommand=x", "create"}).code == ErrorCode::Usage);
}

TEST_CASE("a level of the original's traces tells the steps", "[vde]") {
    CHECK(parsed({"-d", "64,p", "create"}).traces);
    CHECK_FALSE(parsed({"-d", "0", "create"}).traces);
    CHECK(words_of(parsed({"-d", "2", "list"})) ==
          std::vector<std::string>{"ctys-setupVDE", "-d", "1", "list"});
}

TEST_CASE("changing rights is left to those who do that", "[vde]") {
    for (const auto& words : {std::vector<std::string>{"-Z", "create"}, {"-Z", "ksu", "create"}}) {
        CHECK(refused(words).message.starts_with("-Z: it changes no rights by itself"));
    }
}

TEST_CASE("what ssh or a shell would misread is no machine", "[vde]") {
    const auto machine = GENERATE(as<std::string>{},
                                  "",
                                  "-oProxyCommand=x",
                                  "app2;reboot",
                                  "app2 app3",
                                  "$(id)@app2",
                                  "app2(-x)",
                                  "ssh://app2",
                                  "\xff\n");
    CAPTURE(machine);
    const auto error = refused({"create", "--", machine});

    CHECK(error.code == ErrorCode::Usage);
    CHECK(error.message.ends_with("\" is no machine as [USER@]HOST"));
}

TEST_CASE("a machine has the name of a host at most", "[vde]") {
    CHECK(parsed({"list", std::string(255, 'a')}).machines.size() == 1);
    CHECK(refused({"list", std::string(256, 'a')}).code == ErrorCode::Usage);
}

TEST_CASE("a wrong call is told in one sentence", "[vde]") {
    using Words = std::vector<std::string>;
    const auto [words, message] = GENERATE(table<Words, std::string>({
        {Words{}, "an action is missing: create, cancel, check, info, ports, list or listall"},
        {{"creat"}, "no action creat; there are create, cancel, check, info, ports, list, listall"},
        {{"create", "cancel"}, "one action at a time, not create and cancel"},
        {{"-i", "a-very-long-name", "create"},
         "-i a-very-long-name: a name of an interface has at most 15 characters, not 16"},
        {{"-b", "br 0", "create"}, "-b br 0: no name of an interface"},
        {{"-b", "../x", "create"}, "-b ../x: no name of an interface"},
        {{"-s", "sw", "create"}, "-s: the folder of a switch must be an absolute path, not sw"},
        {{"-S", "m\x1b", "create"},
         "-S: the management socket of a switch must be an absolute path, not m?"},
    }));
    CAPTURE(words);

    const auto error = refused(words);

    CHECK(error.code == ErrorCode::Usage);
    CHECK(error.message == message);
}

TEST_CASE("a name of fifteen characters fits", "[vde]") {
    CHECK(parsed({"-i", "enp130s0f1np1ab", "create"}).uplink.size() == 15);
}

TEST_CASE("an option nobody knows is refused, whatever bytes it has", "[vde]") {
    CHECK(refused({"--frob", "create"}).code == ErrorCode::Usage);
    CHECK(refused({"-u"}).code == ErrorCode::Usage);
}

TEST_CASE("help teaches by examples", "[vde]") {
    const auto page = parse_arguments({"--help"});
    REQUIRE(page);
    REQUIRE(std::holds_alternative<Page>(*page));
    const auto& text = std::get<Page>(*page).text;
    CHECK(text.find("ctys-setupVDE -u alice create") != std::string::npos);
    CHECK(text.find("--stay") == std::string::npos);
    CHECK(std::holds_alternative<Page>(parse_arguments({"-V"}).value()));
}
