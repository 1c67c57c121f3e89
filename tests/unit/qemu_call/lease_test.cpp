#include "tools/qemu_call/lease.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::call;
using Kind = LeaseAnswer::Kind;

TEST_CASE("a lease is granted by its action and token", "[qemu-call]") {
    const ActionId action{0x1234};
    const auto answer = read_lease_answer("granted " + action.to_string() + " 79\n");

    CHECK(answer ==
          LeaseAnswer{.kind = Kind::Granted, .action = action, .token = 79, .reason = {}});
}

TEST_CASE("what is not granted says why", "[qemu-call]") {
    CHECK(read_lease_answer("refused running on w2 (pid 7)\n") ==
          LeaseAnswer{.kind = Kind::Refused, .action = {}, .reason = "running on w2 (pid 7)"});
    CHECK(read_lease_answer("alone no broker answers") ==
          LeaseAnswer{.kind = Kind::Alone, .action = {}, .reason = "no broker answers"});
    CHECK(read_lease_answer("none no agent").kind == Kind::NoAgent);
    CHECK(read_lease_answer("unknown in no pool").kind == Kind::NoAgent);
}

TEST_CASE("an answer that cannot be read grants nothing", "[qemu-call]") {
    const std::string line = GENERATE("",
                                      " ",
                                      "granted",
                                      "granted x 1",
                                      "granted a-0000000000001234",
                                      "granted a-0000000000001234 ",
                                      "granted a-0000000000001234 x",
                                      "granted a-0000000000001234 1 2",
                                      "granted a-0000000000001234 -1",
                                      "grantedly",
                                      "\x01\x02");
    CAPTURE(line);
    CHECK(read_lease_answer(line).kind == Kind::NoAgent);
}

TEST_CASE("a program that is missing or silent is no agent", "[qemu-call]") {
    CHECK(ask_agent_for_lease("/nowhere/ctys-ask-lease", "/a.ctys", "a").kind == Kind::NoAgent);
    CHECK(ask_agent_for_lease("/bin/true", "/a.ctys", "a").kind == Kind::NoAgent);
}
