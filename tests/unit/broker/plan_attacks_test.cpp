// Plans under people, machines and rows that behave as nobody should.

#include "schema/limits.h"
#include "tests/unit/broker/stack_bench.h"

using namespace ctys;
using namespace ctys::broker;
using std::chrono::seconds;

namespace {

Write put(Record record) {
    return Put{std::make_shared<const Record>(std::move(record))};
}

/// Rows of a plan of one action, as a former life may have left them.
void leave_plan(sim::MapStore& store,
                std::uint64_t id,
                std::uint32_t steps,
                std::optional<ActionState> action,
                const std::string& text = {}) {
    std::vector<Write> writes;
    if (action) {
        ActionRecord record{.action = {.id = ActionId{id}, .verb = Verb::Shutdown},
                            .state = *action};
        record.ended = WallTime{static_cast<std::int64_t>(id)};
        if (*action == ActionState::Ended) record.outcome = Outcome{};
        writes.push_back(put(std::move(record)));
    }
    writes.push_back(put(PlanRecord{.action = ActionId{id}, .steps = steps}));
    for (std::uint32_t i = 0; i < steps; ++i) {
        writes.push_back(put(PlanStepRecord{
            .plan = ActionId{id}, .index = i, .state = StepState::Done, .text = text}));
    }
    REQUIRE(store.commit(writes));
}

msg::Submit asked_inside(msg::Submit submit, const std::string& label) {
    submit.platform = Bench::vm(label).uuid;
    return submit;
}

} // namespace

TEST_CASE("the time in which the broker stood still is taken from no share", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{200});
    REQUIRE(stack.open_order("sensor")->deadline == seconds{80});
    SECTION("its timer comes first") {
        stack.bench.tick(seconds{100});
    }
    SECTION("a message comes first") {
        stack.bench.pass(seconds{100});
        stack.bench.say("rack1", msg::Pong{});
    }
    stack.pass(77);
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    stack.pass(4);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
}

TEST_CASE("what was out of reach and came back ends before its carrier is asked", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "lab02");
    submit.action.width = 1;
    stack.bench.say("ann", submit);
    REQUIRE(stack.asked() == Labels{"sensor", "cache"});
    stack.pass(12, {"l2db"});
    REQUIRE(stack.bench.store().workers().at(Bench::worker("l2db")).state == WorkerState::Lost);
    stack.join("l2db", Bench::vm("l2db").uuid);
    stack.pass(1);

    stack.obey("lab02", "cache");
    SECTION("its agent is still at the order that it had") {
        stack.pass(3);
        CHECK(stack.asked() == Labels{"sensor", "cache"});
        stack.obey("l2db", "sensor");
        stack.pass(1);
        CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
    }
    SECTION("its order has ended, and it runs on") {
        stack.end("l2db",
                  "sensor",
                  {.error = Error{.code = ErrorCode::TimedOut, .message = "it did not end"}});
        stack.pass(1);
        CHECK(stack.asked() == Labels{"sensor", "cache", "sensor"});
        stack.obey("l2db", "sensor");
        CHECK(stack.asked() == Labels{"sensor", "cache", "sensor", "l2db"});
    }
}

TEST_CASE("an agent that calls for the first time during a plan is on a machine that ends",
          "[broker]") {
    Stack stack;
    stack.stop("rack1", "web");
    stack.run("lab02", "guest");
    auto submit = stack.order(Verb::Shutdown, "lab02");
    submit.action.width = 1;
    stack.bench.say("ann", submit);
    REQUIRE(stack.asked() == Labels{"sensor", "cache"});
    stack.join("guest", Bench::vm("guest").uuid);
    CHECK(stack.bench.store().workers().at(Bench::worker("guest")).draining == ActionId{7});
    stack.run("guest", "web");

    stack.obey("l2db", "sensor");
    stack.obey("lab02", "cache");
    stack.obey("lab02", "l2db");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "web"});
    stack.obey("guest", "web");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "web", "guest"});
}

TEST_CASE("a plan that waits for a machine does not start what another one ends there meanwhile",
          "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "l2db");
    stack.obey("l2db", "sensor");
    stack.end("lab02",
              "l2db",
              {.error = Error{.code = ErrorCode::TimedOut, .message = "it did not end"}});
    stack.pass(12, {"l2db"});
    REQUIRE(stack.bench.store().workers().at(Bench::worker("l2db")).state == WorkerState::Lost);
    auto submit = stack.order(Verb::Start, "like", 9);
    submit.action.like_before = ActionId{7};
    stack.bench.say("ann", submit);
    auto around = stack.order(Verb::Shutdown, "w:lab02", 10);
    around.yes = true;
    stack.bench.say("ann", around);
    REQUIRE(stack.bench.told<msg::Failure>("ann").empty());
    stack.bench.clear();

    stack.join("l2db", Bench::vm("l2db").uuid);
    stack.pass(2);
    CHECK(stack.asked().empty());
    REQUIRE(stack.outcome(9).has_value());
    REQUIRE(stack.outcome(9)->error.has_value());
    const auto told = stack.bench.recorded_of(EventKind::ActionProgress);
    CHECK(std::any_of(told.begin(), told.end(), [](const Event& event) {
        return event.text.find("ends what runs on l2db") != std::string::npos;
    }));
}

TEST_CASE("a VM that went elsewhere does not keep the carrier it had", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.run("rack1", "cache");
    stack.stop("lab02", "cache");
    stack.end("lab02",
              "cache",
              {.error = Error{.code = ErrorCode::Conflict, .message = "it does not run here"}});
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");

    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
    stack.obey("rack1", "lab02");
    REQUIRE(stack.outcome().has_value());
    REQUIRE(stack.outcome()->error.has_value());
    CHECK(stack.outcome()->error->code == ErrorCode::Partial);
}

TEST_CASE("nobody ends his own machine by mistake, stack or not", "[broker]") {
    Stack stack;
    const auto is_refused = [&](msg::Submit submit) {
        stack.bench.clear();
        stack.bench.say("ann", submit);
        const auto told = stack.bench.told<msg::Failure>("ann");
        return told.size() == 1 && told[0].error.code == ErrorCode::Conflict &&
               told[0].error.message == "it carries the machine on which this was asked";
    };
    auto forced = stack.order(Verb::Kill, "lab02");
    forced.action.force = true;
    CHECK(is_refused(asked_inside(forced, "sensor")));
    CHECK(is_refused(asked_inside(stack.order(Verb::Pause, "lab02"), "lab02")));
    for (const auto verb : {Verb::Shutdown, Verb::Kill, Verb::Pause, Verb::Reset, Verb::Reboot})
        CHECK(is_refused(asked_inside(stack.order(verb, "web"), "web")));
    CHECK(stack.asked().empty());

    auto dry = asked_inside(stack.order(Verb::Shutdown, "lab02"), "sensor");
    dry.action.dry_run = true;
    CHECK_FALSE(is_refused(dry));
    const auto shown = stack.bench.told<msg::Rows>("ann");
    REQUIRE_FALSE(shown.empty());
    CHECK(std::get<PlanRecord>(shown.back().rows.at(0)).notes ==
          Labels{"refused without --yes: it carries the machine on which this was asked"});
    CHECK_FALSE(is_refused(asked_inside(stack.order(Verb::Shutdown, "cache"), "sensor")));
    auto meant = asked_inside(stack.order(Verb::Shutdown, "web", 8), "web");
    meant.yes = true;
    CHECK_FALSE(is_refused(meant));
    CHECK(stack.asked() == Labels{"web"});
}

TEST_CASE("rows of a plan whose action is not kept any more are erased", "[broker]") {
    Stack stack;
    leave_plan(stack.bench.store(), 90, 2, std::nullopt);
    REQUIRE(stack.bench.store().commit(
        {put(PlanStepRecord{.plan = ActionId{91}, .index = 0})})); // a step of no plan
    stack.bench.restart();
    stack.bench.tick();
    CHECK(stack.bench.store().plans().empty());
    CHECK(stack.bench.store().plan_steps().empty());
}

TEST_CASE("a plan that has lost a step ends as indeterminate", "[broker]") {
    Stack stack;
    leave_plan(stack.bench.store(), 90, 2, ActionState::Running);
    REQUIRE(stack.bench.store().commit({put(PlanRecord{.action = ActionId{90}, .steps = 3})}));
    stack.bench.restart();
    stack.bench.tick();
    REQUIRE(stack.outcome(90).has_value());
    CHECK(stack.outcome(90)->error->code == ErrorCode::Indeterminate);
}

TEST_CASE("a plan whose steps wait for each other ends as indeterminate", "[broker]") {
    Stack stack;
    leave_plan(stack.bench.store(), 90, 2, ActionState::Running);
    for (const auto& [index, before] : {std::pair{0U, 1U}, std::pair{1U, 0U}}) {
        PlanStepRecord step{.plan = ActionId{90}, .index = index, .step = {}};
        step.step.after = {before};
        REQUIRE(stack.bench.store().commit({put(std::move(step))}));
    }
    stack.bench.restart();
    stack.bench.tick();
    REQUIRE(stack.outcome(90).has_value());
    CHECK(stack.outcome(90)->error->code == ErrorCode::Indeterminate);
}

TEST_CASE("a cancelled plan whose order was lost is not asked for it again", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.bench.say("ann", msg::CancelAction{ActionId{7}.to_string()});
    const auto order = stack.open_order("sensor");
    REQUIRE(order.has_value());
    REQUIRE(stack.bench.store().commit({EraseAction{order->id}}));
    stack.bench.clear();
    stack.bench.restart();
    stack.join("rack1", {});
    stack.join("lab02", Bench::vm("lab02").uuid);
    stack.join("l2db", Bench::vm("l2db").uuid);
    stack.pass(12);
    CHECK(stack.asked().empty());
}

TEST_CASE("plans that are over are kept as far as their steps are not too many", "[broker]") {
    Stack stack;
    leave_plan(stack.bench.store(), 90, Plans::kept_steps / 2, ActionState::Ended);
    leave_plan(stack.bench.store(), 91, Plans::kept_steps / 2, ActionState::Ended);
    stack.bench.restart();
    stack.join("rack1", {});
    stack.join("lab02", Bench::vm("lab02").uuid);
    stack.join("l2db", Bench::vm("l2db").uuid);
    stack.pass(11);
    REQUIRE(stack.bench.store().plans().size() == 2);

    stack.submit(Verb::Shutdown, "l2db");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    REQUIRE(stack.outcome().has_value());
    CHECK_FALSE(stack.bench.store().plans().contains(ActionId{90}));
    CHECK(stack.bench.store().plans().contains(ActionId{91}));
    CHECK(stack.bench.store().plans().contains(ActionId{7}));
}

TEST_CASE("a plan with long answers is told in messages that fit", "[broker]") {
    Stack stack;
    leave_plan(stack.bench.store(), 90, 100, ActionState::Ended, std::string(60000, 'x'));
    stack.bench.restart();
    stack.bench.say("ann",
                    msg::Ask{.query = {.table = Table::Plan, .address = ActionId{90}.to_string()},
                             .credit = 10});
    const auto told = stack.bench.told<msg::Rows>("ann");
    std::size_t rows = 0;
    for (const auto& page : told) {
        CHECK(schema::encode(Envelope{.correlation = 1, .body = page}).size() <=
              schema::limits::message_bytes);
        rows += page.rows.size();
        CHECK(page.last == (&page == &told.back()));
    }
    CHECK(rows == 101);
}
