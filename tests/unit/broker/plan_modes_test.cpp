// Plans that reboot, suspend, or end a machine itself.

#include "tests/unit/broker/stack_bench.h"

using namespace ctys;
using namespace ctys::broker;
using std::chrono::seconds;

namespace {

const BootId next_boot{Uuid::from_name(ctys_namespace(), "next boot")};

/// lab02 is asked to reboot: what it carries has ended.
void end_inside(Stack& stack) {
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("lab02", "cache");
}

/// The machine of lab02 went down and its agent calls from the next boot.
void come_back(Stack& stack) {
    stack.pass(1);
    stack.reset("rack1", "lab02");
    stack.end("rack1", "lab02", {.error = {}, .text = "rebooted"});
    stack.pass(4, {"lab02", "l2db"});
    stack.join("lab02", Bench::vm("lab02").uuid, next_boot);
    stack.bench.exchange("lab02", {"cache", "l2db"});
    stack.pass(1, {"l2db"});
}

} // namespace

TEST_CASE("a stack that reboots ends its inside first and starts it again", "[broker]") {
    Stack stack;
    stack.submit(Verb::Reboot, "lab02");
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    CHECK(stack.open_order("sensor")->verb == Verb::Shutdown);
    end_inside(stack);
    REQUIRE(stack.open_order("lab02").has_value());
    CHECK(stack.open_order("lab02")->verb == Verb::Reboot);
    CHECK_FALSE(stack.open_order("lab02")->deadline.has_value());
    stack.bench.clear();

    come_back(stack);
    CHECK(stack.asked() == Labels{"cache", "l2db"});
    CHECK(stack.open_order("l2db")->verb == Verb::Start);
    CHECK(stack.bench.store().workers().at(Bench::worker("lab02")).draining.is_none());
    stack.run("lab02", "cache");
    stack.end("lab02", "cache");
    stack.run("lab02", "l2db");
    stack.end("lab02", "l2db");
    stack.join("l2db", Bench::vm("l2db").uuid, next_boot);
    stack.bench.exchange("l2db", {"sensor"});
    stack.pass(1);
    REQUIRE(stack.open_order("sensor").has_value());
    stack.run("l2db", "sensor");
    stack.end("l2db", "sensor");

    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
    CHECK(stack.outcome()->text == "3 of 3 VMs ended, lab02 rebooted, 3 of 3 started again");
}

TEST_CASE("nothing is started again before its machine calls from another boot", "[broker]") {
    Stack stack;
    stack.submit(Verb::Reboot, "lab02");
    end_inside(stack);
    // Its agent is heard on: the machine has not gone down, whatever was answered.
    stack.end("rack1", "lab02", {.error = {}, .text = "rebooted"});
    stack.pass(30);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
    stack.join("lab02", Bench::vm("lab02").uuid);
    stack.bench.exchange("lab02", {"cache", "l2db"});
    stack.pass(2);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
}

TEST_CASE("where nobody can tell how a reboot ended the next boot does", "[broker]") {
    Stack stack;
    stack.submit(Verb::Reboot, "lab02");
    end_inside(stack);
    stack.pass(1);
    stack.end("rack1",
              "lab02",
              {.error = Error{.code = ErrorCode::Indeterminate, .message = "restarted"}});
    CHECK_FALSE(stack.outcome().has_value());
    stack.bench.clear();
    stack.reset("rack1", "lab02");
    stack.pass(4, {"lab02", "l2db"});
    stack.join("lab02", Bench::vm("lab02").uuid, next_boot);
    stack.bench.exchange("lab02", {"cache", "l2db"});
    stack.pass(1, {"l2db"});
    CHECK(stack.asked() == Labels{"cache", "l2db"});
}

namespace {

/// What lab02 carried directly runs again; l2db was started, and its agent has not called.
void bring_up_l2db(Stack& stack) {
    stack.submit(Verb::Reboot, "lab02");
    end_inside(stack);
    come_back(stack);
    for (const auto* label : {"cache", "l2db"}) {
        stack.run("lab02", label);
        stack.end("lab02", label);
    }
    stack.pass(4, {"l2db"});
    REQUIRE_FALSE(stack.outcome().has_value());
}

} // namespace

TEST_CASE("what was started again and has ended keeps nobody waiting", "[broker]") {
    Stack stack;
    bring_up_l2db(stack);
    stack.bench.clear();
    stack.stop("lab02", "l2db");
    stack.pass(1, {"l2db"});
    REQUIRE(stack.outcome().has_value());
    REQUIRE(stack.outcome()->error.has_value());
    CHECK(stack.outcome()->error->code == ErrorCode::Partial);
    CHECK(stack.outcome()->error->evidence ==
          Labels{"sensor: l2db, which carries it, does not run any more"});
    CHECK(stack.asked().empty());
}

TEST_CASE("each level has ten minutes from the moment in which its carrier runs", "[broker]") {
    Stack stack;
    bring_up_l2db(stack);
    stack.pass(590, {"l2db"});
    CHECK_FALSE(stack.outcome().has_value());
    stack.pass(10, {"l2db"});
    REQUIRE(stack.outcome().has_value());
    REQUIRE(stack.outcome()->error.has_value());
    CHECK(stack.outcome()->error->evidence == Labels{"sensor: its worker was not heard in time"});
}

TEST_CASE("a reboot that the guest refuses leaves a command that brings the inside back",
          "[broker]") {
    Stack stack;
    stack.submit(Verb::Reboot, "lab02");
    end_inside(stack);
    stack.end("rack1",
              "lab02",
              {.error = Error{.code = ErrorCode::TimedOut, .message = "it did not end"}});
    REQUIRE(stack.outcome().has_value());
    REQUIRE(stack.outcome()->error.has_value());
    CHECK(stack.outcome()->error->code == ErrorCode::TimedOut);
    CHECK(stack.outcome()->error->message ==
          "3 of 3 VMs ended, lab02 not rebooted, 0 of 3 started again after 0.0 s");
    CHECK(stack.outcome()->error->try_next ==
          fmt::format("ctys start --like-before {}", ActionId{7}));
}

TEST_CASE("a reboot without restoring is over with the reboot", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Reboot, "lab02");
    submit.action.no_restore = true;
    stack.bench.say("ann", submit);
    end_inside(stack);
    stack.reset("rack1", "lab02");
    stack.end("rack1", "lab02", {.error = {}, .text = "rebooted"});
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->text == "4 of 4 VMs");
}

TEST_CASE("a broker that restarts in the middle of a reboot restores all the same", "[broker]") {
    Stack stack;
    stack.submit(Verb::Reboot, "lab02");
    end_inside(stack);
    stack.bench.restart();
    stack.join("rack1", {});
    stack.join("lab02", Bench::vm("lab02").uuid);
    stack.join("l2db", Bench::vm("l2db").uuid);
    stack.pass(11);
    stack.bench.clear();
    come_back(stack);
    CHECK(stack.asked() == Labels{"cache", "l2db"});
}

TEST_CASE("a machine that was asked to go down is done when its VM has ended", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "w:lab02");
    submit.action.self = true;
    submit.yes = true;
    stack.bench.say("ann", submit);
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    end_inside(stack);
    REQUIRE(stack.order_for_machine().has_value());
    CHECK(stack.order_for_machine()->worker == Bench::worker("lab02"));
    CHECK(stack.order_for_machine()->run_level == std::uint8_t{0});
    stack.end_machine_order("lab02", {.error = {}, .text = "its power-off is under way"});
    stack.pass(2);
    CHECK_FALSE(stack.outcome().has_value());
    stack.stop("rack1", "lab02");
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"}); // nobody pressed its button
}

TEST_CASE("a machine that is no VM is gone when its agent said so and is lost", "[broker]") {
    Stack stack;
    stack.stop("rack1", "lab02");
    stack.stop("rack1", "web");
    auto submit = stack.order(Verb::Shutdown, "w:rack1");
    submit.action.self = true;
    submit.yes = true;
    stack.bench.say("ann", submit);
    stack.end_machine_order("rack1", {.error = {}, .text = "its power-off is under way"});
    stack.pass(5, {"rack1"});
    CHECK_FALSE(stack.outcome().has_value());
    stack.pass(7, {"rack1"});
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
}

TEST_CASE("an agent that may not end its machine has the last word", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "w:lab02");
    submit.action.self = true;
    submit.action.deadline = seconds{240};
    submit.yes = true;
    stack.bench.say("ann", submit);
    end_inside(stack);
    stack.end_machine_order("lab02",
                            {.error = Error{.code = ErrorCode::Refused, .message = "no root"}});
    REQUIRE(stack.outcome().has_value());
    REQUIRE(stack.outcome()->error.has_value());
    CHECK(stack.outcome()->error->code == ErrorCode::Refused);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"}); // it was not cut either
}

TEST_CASE("nobody ends the machine that he speaks from", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "w:lab02");
    submit.action.self = true;
    submit.yes = true;
    submit.boot = stack.bench.store().workers().at(Bench::worker("lab02")).boot;
    stack.bench.say("ann", submit);
    CHECK(stack.refusal().code == ErrorCode::Refused);
    CHECK(stack.asked().empty());
}

TEST_CASE("a stack that sleeps is woken from the outside", "[broker]") {
    Stack stack;
    stack.submit(Verb::Suspend, "lab02");
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    CHECK(stack.open_order("sensor")->verb == Verb::Pause);
    for (const auto& [worker, label] :
         {std::pair{"l2db", "sensor"}, std::pair{"lab02", "cache"}, std::pair{"lab02", "l2db"}}) {
        stack.set(worker, label, VmState::Paused);
        stack.end(worker, label, {.error = {}, .text = "paused"});
    }
    REQUIRE(stack.open_order("lab02").has_value());
    CHECK(stack.open_order("lab02")->verb == Verb::Suspend);
    stack.pass(1, {"lab02", "l2db"});
    stack.stop("rack1", "lab02");
    stack.end("rack1", "lab02", {.error = {}, .text = "suspended"});
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
    stack.bench.clear();

    const auto verb = GENERATE(Verb::Resume, Verb::Start);
    stack.bench.say("ann", stack.order(verb, "lab02", 8));
    CHECK(stack.asked() == Labels{"lab02"});
    REQUIRE(stack.open_order("lab02").has_value());
    CHECK(stack.open_order("lab02")->verb == Verb::Start);
    stack.run("rack1", "lab02");
    stack.end("rack1", "lab02");
    stack.pass(1, {"lab02", "l2db"});
    CHECK(stack.asked() == Labels{"lab02"}); // its agent has not called
}

TEST_CASE("a run level is entered by the agent inside, or refused", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Init, "lab02");
    submit.action.run_level = std::uint8_t{3};
    stack.bench.say("ann", submit);
    CHECK(stack.bench.told<msg::Command>("lab02").size() == 1);
    stack.bench.clear();
    auto other = stack.order(Verb::Init, "web", 8);
    other.action.run_level = std::uint8_t{3};
    stack.bench.say("ann", other);
    CHECK(stack.refusal().code == ErrorCode::Unsupported);
    stack.bench.clear();
    auto cut = stack.order(Verb::Shutdown, "web", 9);
    cut.action.run_level = std::uint8_t{0};
    cut.action.deadline = seconds{9};
    stack.bench.say("ann", cut);
    CHECK(stack.refusal().code == ErrorCode::Usage);
}
