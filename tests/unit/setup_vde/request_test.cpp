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
    CHECK(parsed({word, "localhost"}).action == action);
}

TEST_CASE("what belongs to create and cancel is understood there", "[vde]") {
    CHECK(parsed({"--last", "cancel"}).with_last);
    CHECK(parsed({"create", "--dry-run"}).only_shows);
    CHECK(refused({"--last", "info"}).message == "--last and --dry-run are for create and cancel");
}

TEST_CASE("another machine is answered with the call that works today", "[vde]") {
    const auto error = refused({"-u", "alice", "create", "root@app2"});

    CHECK(error.code == ErrorCode::Unsupported);
    CHECK(error.message == "root@app2: other machines come later, this one is all it works on");
    CHECK(error.try_next == "ssh root@app2 ctys-setupVDE -u alice create");
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
    CHECK(refused({"create", "\xff\n"}).message.starts_with("??: other machines come later"));
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
