// What plans may not do: begin while they are rehearsed, never end, or believe a former boot.

#include "tests/unit/broker/stack_bench.h"

using namespace ctys;
using namespace ctys::broker;

namespace {

/// Nothing runs on the hardware any more.
void empty_rack(Stack& stack) {
    stack.stop("rack1", "lab02");
    stack.stop("rack1", "web");
}

msg::Submit end_of(const Stack& stack, Verb verb, const std::string& worker, std::uint64_t id = 7) {
    auto submit = stack.order(verb, worker, id);
    submit.action.self = true;
    submit.yes = true;
    return submit;
}

} // namespace

TEST_CASE("a machine that is lost before it said how it went is waited for in vain, not for ever",
          "[broker]") {
    Stack stack;
    empty_rack(stack);
    const auto verb = GENERATE(Verb::Shutdown, Verb::Reboot);
    stack.bench.say("ann", end_of(stack, verb, "w:rack1"));
    stack.begin_machine_order("rack1");
    stack.pass(15, {"rack1"});
    CHECK_FALSE(stack.outcome().has_value());
    stack.pass(1200, {"rack1"});
    REQUIRE(stack.outcome().has_value());
    CHECK_FALSE(stack.outcome()->ok());
}

TEST_CASE("a start on a machine that is lost meanwhile has an end", "[broker]") {
    Stack stack;
    stack.submit(Verb::Reboot, "lab02");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("lab02", "cache");
    stack.reset("rack1", "lab02");
    stack.end("rack1", "lab02", {.error = {}, .text = "rebooted"});
    stack.pass(4, {"lab02", "l2db"});
    stack.join("lab02", Bench::vm("lab02").uuid, {Uuid{{9}}});
    stack.bench.exchange("lab02", {"cache", "l2db"});
    stack.pass(1, {"l2db"});
    stack.begin("lab02", "cache");
    stack.begin("lab02", "l2db");
    stack.pass(1500, {"lab02", "l2db"});
    REQUIRE(stack.outcome().has_value());
    CHECK_FALSE(stack.outcome()->ok());
}

TEST_CASE("a pool that is mounted late is waited for by what is started again", "[broker]") {
    Stack stack;
    stack.submit(Verb::Reboot, "lab02");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("lab02", "cache");
    stack.reset("rack1", "lab02");
    stack.end("rack1", "lab02", {.error = {}, .text = "rebooted"});
    stack.pass(4, {"lab02", "l2db"});
    stack.join("lab02", Bench::vm("lab02").uuid, {Uuid{{9}}});
    stack.bench.exchange("lab02", {"cache", "l2db"});
    stack.pass(1, {"l2db"});
    std::size_t asked = 0;
    for (int second = 0; second < 60; ++second) {
        if (stack.open_order("cache").has_value()) {
            ++asked;
            stack.end("lab02",
                      "cache",
                      {.error = Error{.code = ErrorCode::NotFound, .message = "not known here"}});
        }
        stack.pass(1, {"l2db"});
    }
    CHECK(asked == 6); // at 0, 1, 3, 7, 15 and 31 s
    CHECK_FALSE(stack.outcome().has_value());
}

TEST_CASE("the boot of a machine is that of the agent that speaks", "[broker]") {
    Stack stack;
    // An agent of a boot before, whose name comes first.
    stack.join("agent0", Bench::vm("lab02").uuid, {Uuid{{9}}});
    stack.pass(12, {"agent0"});
    stack.bench.say("ann", end_of(stack, Verb::Reboot, "w:lab02"));
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("lab02", "cache");
    REQUIRE(stack.order_for_machine().has_value());
    stack.end_machine_order("lab02",
                            {.error = Error{.code = ErrorCode::Refused, .message = "no root"}});
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->text.find("lab02 not rebooted") != std::string::npos);
}

TEST_CASE("a machine that is asked to go down is not asked to reboot as well", "[broker]") {
    Stack stack;
    empty_rack(stack);
    stack.bench.say("ann", end_of(stack, Verb::Shutdown, "w:rack1"));
    stack.bench.say("ann", end_of(stack, Verb::Reboot, "w:rack1", 8));
    CHECK(stack.refusal().code == ErrorCode::Conflict);
}

TEST_CASE("a run level cuts nobody, also not who cannot be asked", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "web");
    submit.action.run_level = std::uint8_t{0};
    submit.action.cut_unaskable = true;
    stack.bench.say("ann", submit);
    CHECK(stack.refusal().code == ErrorCode::Usage);
}
