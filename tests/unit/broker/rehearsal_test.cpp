#include "tests/unit/broker/stack_bench.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::broker;

namespace {

/// What the broker says of an order that is only rehearsed.
struct Rehearsal {
    std::optional<Error> refusal;
    PlanRecord plan;
    std::vector<PlanStep> steps;
};

Rehearsal rehearse(Stack& stack, msg::Submit submit) {
    stack.bench.clear();
    submit.action.dry_run = true;
    stack.bench.say("ann", submit);
    CHECK(stack.asked().empty());
    CHECK(stack.bench.recorded.empty());
    Rehearsal told;
    if (const auto failed = stack.bench.told<msg::Failure>("ann"); !failed.empty())
        told.refusal = failed[0].error;
    for (const auto& rows : stack.bench.told<msg::Rows>("ann")) {
        for (const auto& row : rows.rows) {
            if (const auto* plan = std::get_if<PlanRecord>(&row)) told.plan = *plan;
            if (const auto* step = std::get_if<PlanStepRecord>(&row))
                told.steps.push_back(step->step);
        }
    }
    return told;
}

/// A process that somebody started without a monitor.
void run_by_hand(Stack& stack, const std::string& worker, const std::string& label) {
    stack.run(worker, label);
    auto instance = stack.process(worker, label);
    instance.managed = false;
    instance.owner = Owner::ByHand;
    instance.can_ask = false;
    Event event{.kind = EventKind::Running};
    event.vm = Bench::vm(label);
    event.label = label;
    event.new_state = VmState::Running;
    event.payload = instance;
    stack.publish(worker, event);
}

} // namespace

TEST_CASE("what its agent would refuse is refused in a rehearsal", "[broker][dry-run]") {
    Stack stack;
    run_by_hand(stack, "rack1", "web");
    for (const auto verb : {Verb::Shutdown, Verb::Pause, Verb::Suspend, Verb::Reboot}) {
        auto order = stack.order(verb, "web");
        if (verb == Verb::Shutdown) order.action.deadline = seconds{5};
        const auto told = rehearse(stack, order);
        REQUIRE(told.refusal);
        CHECK(told.refusal->code == ErrorCode::Conflict);
    }
    CHECK_FALSE(rehearse(stack, stack.order(Verb::Kill, "web")).refusal);
    auto forced = stack.order(Verb::Shutdown, "web");
    forced.action.force = true;
    CHECK_FALSE(rehearse(stack, forced).refusal);
}

TEST_CASE("a paused VM is not asked to end, in a rehearsal neither", "[broker][dry-run]") {
    Stack stack;
    stack.set("rack1", "web", VmState::Paused);
    const auto told = rehearse(stack, stack.order(Verb::Shutdown, "web"));
    REQUIRE(told.refusal);
    CHECK(told.refusal->message == "it is paused: its guest hears no power button");
}

TEST_CASE("an order for what is frozen is unreachable, in a rehearsal too", "[broker][dry-run]") {
    Stack stack;
    stack.set("rack1", "lab02", VmState::Paused);
    const auto told = rehearse(stack, stack.order(Verb::Kill, "cache"));
    REQUIRE(told.refusal);
    CHECK(told.refusal->code == ErrorCode::Unreachable);
}

TEST_CASE("a rehearsed resume from disk is the start that it would be", "[broker][dry-run]") {
    Stack stack;
    stack.stop("rack1", "web", reason::suspended);
    const auto told = rehearse(stack, stack.order(Verb::Resume, "web"));
    REQUIRE_FALSE(told.refusal);
    REQUIRE(told.steps.size() == 1);
    CHECK(told.steps[0].verb == Verb::Start);
    CHECK(told.steps[0].worker_name == "rack1");
    CHECK(told.plan.notes == Labels{"web goes on from its saved state"});
    CHECK(stack.bench.core().leases().find(Bench::vm("web")) == nullptr);
}

TEST_CASE("a rehearsed start is refused as the start is", "[broker][dry-run]") {
    Stack stack;
    const auto running = rehearse(stack, stack.order(Verb::Start, "web"));
    REQUIRE(running.refusal);
    CHECK(running.refusal->code == ErrorCode::Conflict);

    auto reuse = stack.order(Verb::Start, "web");
    reuse.action.if_running = IfRunning::Reuse;
    const auto reused = rehearse(stack, reuse);
    REQUIRE_FALSE(reused.refusal);
    CHECK(reused.steps.empty());
    REQUIRE(reused.plan.notes.size() == 1);
    CHECK(reused.plan.notes[0].starts_with("nothing to do: runs already"));
}

TEST_CASE("a rehearsed start of a suspended carrier brings back what is in it",
          "[broker][dry-run]") {
    Stack stack;
    stack.submit(Verb::Suspend, "lab02");
    for (const auto& [worker, label] :
         {std::pair{"l2db", "sensor"}, std::pair{"lab02", "cache"}, std::pair{"lab02", "l2db"}}) {
        stack.set(worker, label, VmState::Paused);
        stack.end(worker, label);
    }
    stack.pass(1, {"lab02", "l2db"});
    stack.stop("rack1", "lab02", reason::suspended);
    stack.end("rack1", "lab02");
    REQUIRE(stack.outcome().has_value());
    const auto told = rehearse(stack, stack.order(Verb::Start, "lab02", 8));
    CHECK(told.steps.size() == 4);
}

TEST_CASE("a rehearsed run level is refused where nobody could enter it", "[broker][dry-run]") {
    Stack stack;
    auto order = stack.order(Verb::Init, "web");
    order.action.run_level = 3;
    const auto told = rehearse(stack, order);
    REQUIRE(told.refusal);
    CHECK(told.refusal->code == ErrorCode::Unsupported);

    order.action.target = "lab02";
    const auto able = rehearse(stack, order);
    REQUIRE(able.steps.size() == 1);
    CHECK(able.steps[0].verb == Verb::Init);
    CHECK(able.steps[0].worker_name == "lab02");
}

TEST_CASE("a rehearsal knows of a guest agent what its worker tells", "[broker][dry-run]") {
    Stack stack;
    auto instance = stack.process("rack1", "web");
    instance.guest_agent = true;
    Event event{.kind = EventKind::Running};
    event.vm = Bench::vm("web");
    event.label = "web";
    event.new_state = VmState::Running;
    event.payload = instance;
    stack.publish("rack1", event);

    const auto ended = rehearse(stack, stack.order(Verb::Shutdown, "web"));
    REQUIRE(ended.steps.size() == 1);
    CHECK(ended.steps[0].guest_agent);

    auto order = stack.order(Verb::Init, "web");
    order.action.run_level = 3;
    CHECK_FALSE(rehearse(stack, order).refusal);
}

TEST_CASE("a suspend of what is known to be raw is refused in a rehearsal", "[broker][dry-run]") {
    Stack stack;
    Event seen{.kind = EventKind::PathSeen};
    seen.vm = Bench::vm("web");
    PathFacts facts;
    facts.vm.id = Bench::vm("web");
    facts.vm.label = "web";
    facts.vm.settings = {{.key = "HDDBOOTIMAGE", .value = "web.img", .line = 3}};
    facts.path.vm = Bench::vm("web");
    facts.path.worker = Bench::worker("rack1");
    facts.path.config = "/pool/web.ctys";
    seen.payload = facts;
    stack.publish("rack1", seen);
    const auto told = rehearse(stack, stack.order(Verb::Suspend, "web"));
    REQUIRE(told.refusal);
    CHECK(told.refusal->message.find("web.img is raw") != std::string::npos);
}

TEST_CASE("a plan shows who cannot be asked, and its order is refused", "[broker][dry-run]") {
    Stack stack;
    run_by_hand(stack, "lab02", "guest");
    const auto told = rehearse(stack, stack.order(Verb::Shutdown, "lab02"));
    REQUIRE_FALSE(told.refusal);
    CHECK_FALSE(check_askable(Plan{.steps = told.steps}, Verb::Shutdown));
    stack.submit(Verb::Shutdown, "lab02");
    CHECK(stack.refusal().message == "some of its VMs cannot be asked to end");
}

TEST_CASE("a plan names orders that would be refused on its way", "[broker][dry-run]") {
    Stack stack;
    run_by_hand(stack, "lab02", "guest");
    const auto told = rehearse(stack, stack.order(Verb::Pause, "lab02"));
    REQUIRE(told.plan.notes.size() == 1);
    CHECK(told.plan.notes[0].starts_with("pause of guest will be refused: QEMU"));
}

TEST_CASE("what was suspended is resumed with the rest of the estate", "[broker][dry-run]") {
    Stack stack;
    stack.set("l2db", "sensor", VmState::Paused);
    stack.set("lab02", "cache", VmState::Paused);
    stack.set("lab02", "l2db", VmState::Paused);
    stack.stop("rack1", "lab02", reason::suspended);
    stack.stop("rack1", "web", reason::suspended);
    const auto labels = [](const Rehearsal& told) {
        std::vector<std::string> found;
        for (const auto& step : told.steps) {
            found.push_back(fmt::format("{} {}", to_string(step.verb), step.label));
        }
        std::sort(found.begin(), found.end());
        return found;
    };
    const std::vector<std::string> all = {
        "resume cache", "resume l2db", "resume sensor", "start lab02", "start web"};
    CHECK(labels(rehearse(stack, stack.order(Verb::Resume, "*"))) == all);
    CHECK(labels(rehearse(stack, stack.order(Verb::Resume, "w:rack1"))) == all);
    // Nobody wakes what carries it.
    CHECK(rehearse(stack, stack.order(Verb::Resume, "w:lab02")).refusal->code ==
          ErrorCode::Unreachable);
    // Nothing but a resume means what sleeps.
    CHECK(rehearse(stack, stack.order(Verb::Shutdown, "w:rack1")).refusal->message == nothing_runs);

    auto meant = stack.order(Verb::Resume, "*");
    meant.yes = true;
    stack.bench.clear();
    stack.bench.say("ann", meant);
    CHECK(stack.open_order("lab02")->verb == Verb::Start);
    CHECK(stack.open_order("web")->verb == Verb::Start);
    CHECK_FALSE(stack.open_order("cache").has_value());
}

TEST_CASE("a resume with nothing to do is done at once", "[broker]") {
    Stack stack;
    CHECK(rehearse(stack, stack.order(Verb::Resume, "*")).steps.empty());
    CHECK(rehearse(stack, stack.order(Verb::Resume, "web")).steps.empty());
    stack.bench.clear();
    stack.submit(Verb::Resume, "lab02");
    CHECK(stack.asked().empty());
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
}
