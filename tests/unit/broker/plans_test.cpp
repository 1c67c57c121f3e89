#include "tests/unit/broker/stack_bench.h"

using namespace ctys;
using namespace ctys::broker;
using std::chrono::seconds;

TEST_CASE("a stack is asked from the inside, each when what it carries is gone", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    CHECK(stack.asked() == Labels{"sensor", "cache"});

    stack.obey("l2db", "sensor");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
    stack.obey("lab02", "cache");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
    stack.obey("lab02", "l2db");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
    CHECK_FALSE(stack.outcome().has_value());
    stack.obey("rack1", "lab02");

    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
    CHECK(stack.outcome()->text == "4 of 4 VMs");
}

TEST_CASE("a VM that carries nothing needs no plan", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "web");
    CHECK(stack.asked() == Labels{"web"});
    CHECK(stack.bench.store().plans().empty());
}

TEST_CASE("force reaches the target alone", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Kill, "lab02");
    submit.action.force = true;
    stack.bench.say("ann", submit);
    CHECK(stack.asked() == Labels{"lab02"});
}

TEST_CASE("without a deadline nobody is asked while something inside goes on", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.end("lab02",
              "cache",
              {.error = Error{.code = ErrorCode::TimedOut, .message = "it did not end"}});

    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
    REQUIRE(stack.outcome().has_value());
    REQUIRE(stack.outcome()->error.has_value());
    CHECK(stack.outcome()->error->code == ErrorCode::TimedOut);
}

TEST_CASE("under a deadline a carrier's turn comes when the share inside is over", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{200});
    REQUIRE(stack.open_order("sensor").has_value());
    CHECK(stack.open_order("sensor")->deadline == seconds{80});
    CHECK(stack.open_order("cache")->deadline == seconds{140});
    stack.pass(79);
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    stack.pass(2);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
    CHECK(stack.open_order("l2db")->deadline <= seconds{60});
    stack.pass(61);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
}

TEST_CASE("a repeat without a deadline does not cut sooner than what goes on", "[broker]") {
    Stack stack;
    stack.configure("l2db", "sensor", seconds{8});
    stack.configure("rack1", "web", seconds{8});

    SECTION("of a VM, at its own grace") {
        stack.submit(Verb::Shutdown, "web", seconds{200});
        stack.submit(Verb::Shutdown, "web", {}, 8);
        CHECK_FALSE(stack.bench.core().dispatcher().find({8})->action.deadline.has_value());
    }
    SECTION("of a VM in a plan") {
        stack.submit(Verb::Shutdown, "lab02", seconds{200});
        stack.submit(Verb::Shutdown, "sensor", {}, 8);
        CHECK_FALSE(stack.bench.core().dispatcher().find({8})->action.deadline.has_value());
    }
    SECTION("of a plan") {
        stack.submit(Verb::Shutdown, "lab02", seconds{200});
        const auto share = stack.open_order("sensor")->deadline;
        stack.submit(Verb::Shutdown, "lab02", {}, 8);
        std::multiset<std::optional<Duration>> given;
        for (const auto& [id, record] : stack.bench.core().dispatcher().actions()) {
            if (record.action.vm == Bench::vm("sensor")) given.insert(record.action.deadline);
        }
        CHECK(given == std::multiset<std::optional<Duration>>{std::nullopt, share});
    }
    SECTION("only as long as that goes on") {
        stack.submit(Verb::Shutdown, "web", seconds{200});
        stack.end("rack1", "web", {.error = Error{.code = ErrorCode::TimedOut, .message = "no"}});
        stack.submit(Verb::Shutdown, "web", {}, 8);
        CHECK(stack.bench.core().dispatcher().find({8})->action.deadline == seconds{8});
    }
}

TEST_CASE("what is cut at the end of its share has a second to be gone", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{200});
    stack.obey("lab02", "cache");
    stack.pass(80);
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    SECTION("and its carrier is asked when it is") {
        stack.obey("l2db", "sensor");
        CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
        CHECK(stack.open_order("l2db")->deadline == seconds{60});
    }
    SECTION("and its carrier is asked then") {
        stack.pass(1);
        CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
        CHECK(stack.open_order("l2db")->deadline == seconds{59});
    }
}

TEST_CASE("under a deadline what failed inside has the time until its carrier is due", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{200});
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.end("lab02",
              "cache",
              {.error = Error{.code = ErrorCode::Conflict, .message = "it cannot be asked"}});
    stack.pass(130);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
    stack.pass(11);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
}

namespace {

/// How an agent ends what a former life of it had begun.
Outcome restarted(ErrorCode code = ErrorCode::Unreachable) {
    return {.error = Error{.code = code, .message = "its agent was restarted"}, .text = {}};
}

} // namespace

TEST_CASE("a plan asks again where the agent that was asked has been restarted", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.obey("l2db", "sensor");
    const auto first = stack.open_order("cache");
    REQUIRE(first.has_value());
    stack.end("lab02", "cache", restarted());
    stack.pass(1);
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "cache"});
    REQUIRE(stack.open_order("cache").has_value());
    CHECK(stack.open_order("cache")->id != first->id);

    stack.obey("lab02", "cache");
    stack.obey("lab02", "l2db");
    stack.obey("rack1", "lab02");
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
}

TEST_CASE("nobody is asked again who ended while the agent was restarted", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.end("lab02", "cache", restarted());
    stack.stop("lab02", "cache");
    stack.pass(2);
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("rack1", "lab02");
    CHECK(stack.outcome()->ok());
}

TEST_CASE("who is asked again has what is left of the given deadline", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{200});
    REQUIRE(stack.open_order("sensor")->deadline == seconds{80});
    stack.pass(30);
    stack.end("l2db", "sensor", restarted());
    stack.pass(1);
    REQUIRE(stack.open_order("sensor").has_value());
    CHECK(stack.open_order("sensor")->deadline == seconds{49});
    SECTION("and not when that is over") {
        stack.pass(49);
        stack.end("l2db", "sensor", restarted());
        stack.pass(1);
        CHECK_FALSE(stack.open_order("sensor").has_value());
    }
}

TEST_CASE("what is cut at once is cut again where the agent was restarted", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{0});
    stack.end("lab02", "cache", restarted());
    stack.pass(1);
    CHECK(stack.asked() == Labels{"sensor", "cache", "cache"});
    CHECK(stack.open_order("cache")->verb == Verb::Kill);
}

TEST_CASE("an agent that is restarted again and again is given up", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "l2db");
    for (std::uint32_t i = 0; i < PlanRun::most_tries; ++i) {
        stack.end("l2db", "sensor", restarted());
        stack.pass(1);
    }
    CHECK(stack.asked().size() == PlanRun::most_tries);
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->error->code == ErrorCode::Unreachable);
}

TEST_CASE("a plan never resets or reboots twice", "[broker]") {
    const auto verb = GENERATE(Verb::Reset, Verb::Reboot);
    const auto code = GENERATE(ErrorCode::Unreachable, ErrorCode::Indeterminate);
    Stack stack;
    stack.submit(verb, "lab02");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "cache");
    stack.obey("lab02", "l2db");
    stack.bench.clear();
    stack.end("rack1", "lab02", restarted(code));
    stack.pass(10);
    CHECK(stack.asked().empty());
}

TEST_CASE("too short a deadline is refused with the time that is needed", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{30});
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    CHECK(stack.refusal().message == "30s are too short, 3m00s are needed");
    CHECK(stack.asked().empty());
}

TEST_CASE("a deadline of 0 cuts the innermost first", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02", seconds{0});
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    CHECK(stack.open_order("sensor")->verb == Verb::Kill);
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("lab02", "cache");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
}

TEST_CASE("a plan looks at what it would do and does nothing", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "lab02");
    submit.action.dry_run = true;
    stack.bench.say("ann", submit);

    const auto rows = stack.bench.told<msg::Rows>("ann");
    REQUIRE(rows.size() == 1);
    REQUIRE(rows[0].last);
    REQUIRE(rows[0].rows.size() == 5);
    CHECK(std::get<PlanRecord>(rows[0].rows[0]).levels == 3);
    CHECK(std::get<PlanStepRecord>(rows[0].rows[4]).step.label == "lab02");
    CHECK(stack.asked().empty());
    CHECK(stack.bench.recorded.empty());
}

TEST_CASE("a plan of one VM takes the deadline that its order takes", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "web");
    submit.action.deadline = seconds{5};
    submit.action.dry_run = true;
    stack.bench.say("ann", submit);
    const auto rows = stack.bench.told<msg::Rows>("ann");
    REQUIRE(rows.size() == 1);
    REQUIRE(rows[0].rows.size() == 2);
    CHECK(std::get<PlanStepRecord>(rows[0].rows[1]).step.until == seconds{5});
}

TEST_CASE("a plan says what it does about paused VMs", "[broker]") {
    Stack stack;
    stack.set("lab02", "cache", VmState::Paused);
    stack.set("rack1", "web", VmState::Paused);
    const auto notes = [&](Verb verb, const char* target) {
        stack.bench.clear();
        auto submit = stack.order(verb, target);
        submit.action.dry_run = true;
        stack.bench.say("ann", submit);
        const auto rows = stack.bench.told<msg::Rows>("ann");
        REQUIRE(rows.size() == 1);
        return std::get<PlanRecord>(rows[0].rows.at(0)).notes;
    };
    CHECK(notes(Verb::Shutdown, "lab02") ==
          Labels{"paused: cache; what can go on is resumed before it is asked"});
    CHECK(notes(Verb::Kill, "lab02").empty());
    CHECK(notes(Verb::Pause, "lab02").empty());
}

TEST_CASE("a broker that restarts at any step asks for nothing twice", "[broker]") {
    Stack stack;
    const auto restart = [&] {
        stack.bench.restart();
        stack.join("rack1", {});
        stack.join("lab02", Bench::vm("lab02").uuid);
        stack.join("l2db", Bench::vm("l2db").uuid);
        stack.pass(11);
    };
    stack.submit(Verb::Shutdown, "lab02");
    restart();
    stack.obey("l2db", "sensor");
    restart();
    stack.obey("lab02", "cache");
    stack.obey("lab02", "l2db");
    restart();
    stack.obey("rack1", "lab02");

    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
    // What its worker may have is asked about, not sent again.
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "lab02"});
}

TEST_CASE("nothing is started where a plan ends what runs", "[broker]") {
    Stack stack;
    stack.stop("lab02", "cache");
    stack.submit(Verb::Shutdown, "lab02");
    stack.bench.say("ann", stack.order(Verb::Start, "cache", 8));
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    CHECK(stack.bench.store().workers().at(Bench::worker("lab02")).draining == ActionId{7});

    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("rack1", "lab02");
    CHECK(stack.bench.store().workers().at(Bench::worker("lab02")).draining.is_none());
}

TEST_CASE("no plan starts what another one ends around it", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "l2db");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    REQUIRE(stack.outcome().has_value());
    stack.bench.say("ann", stack.order(Verb::Shutdown, "lab02", 8));
    stack.bench.clear();

    auto submit = stack.order(Verb::Start, "like", 9);
    submit.action.like_before = ActionId{7};
    stack.bench.say("ann", submit);
    CHECK(stack.refusal().code == ErrorCode::Conflict);
}

TEST_CASE("a VM that came by hand while its carrier waited becomes a step", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.run("lab02", "guest");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    stack.obey("lab02", "cache");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "guest"});
    stack.obey("lab02", "guest");
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db", "guest", "lab02"});
}

TEST_CASE("a plan that crosses another one is refused, one inside it is not", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.bench.say("ann", stack.order(Verb::Pause, "l2db", 8));
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    stack.bench.clear();
    stack.bench.say("ann", stack.order(Verb::Pause, "cache", 9));
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    stack.bench.clear();
    stack.bench.say("ann", stack.order(Verb::Shutdown, "l2db", 10));
    CHECK(stack.bench.told<msg::Accepted>("ann").size() == 1);
}

TEST_CASE("a lost machine inside does not hold up its carrier", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.obey("lab02", "cache");
    stack.pass(9, {"l2db"});
    CHECK(stack.asked() == Labels{"sensor", "cache"});
    stack.pass(3, {"l2db"});
    CHECK(stack.asked() == Labels{"sensor", "cache", "l2db"});
    stack.obey("lab02", "l2db");
    stack.obey("rack1", "lab02");

    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
}

TEST_CASE("cancelling a plan cancels what it asked for and asks for no more", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    stack.bench.say("ann", msg::CancelAction{ActionId{7}.to_string()});
    CHECK(stack.bench.told<msg::CancelCommand>("lab02").size() == 1);
    CHECK(stack.bench.told<msg::CancelCommand>("l2db").size() == 1);
    const Outcome cancelled{.error = Error{.code = ErrorCode::Cancelled, .message = "cancelled"}};
    stack.end("lab02", "cache", cancelled);
    stack.end("l2db", "sensor", cancelled);

    CHECK(stack.asked() == Labels{"sensor", "cache"});
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->error->code == ErrorCode::Cancelled);
}

TEST_CASE("a plan does not run over VMs that cannot be asked", "[broker]") {
    Stack stack;
    stack.run("l2db", "guest", false);
    stack.submit(Verb::Shutdown, "lab02");
    CHECK(stack.refusal().evidence ==
          Labels{"guest on l2db (ctys) cannot be asked now; ctys show guest says why"});
    stack.bench.clear();
    auto submit = stack.order(Verb::Shutdown, "lab02");
    submit.action.cut_unaskable = true;
    stack.bench.say("ann", submit);
    REQUIRE(stack.open_order("guest").has_value());
    CHECK(stack.open_order("guest")->verb == Verb::Kill);
}

TEST_CASE("a whole worker, and the whole estate, need somebody who agrees", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "w:lab02");
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    auto submit = stack.order(Verb::Shutdown, "w:lab02");
    submit.yes = true;
    stack.bench.say("ann", submit);
    CHECK(stack.asked() == Labels{"sensor", "cache"});

    Stack other;
    submit.action.target = "*";
    other.bench.say("ann", submit);
    CHECK(other.asked() == Labels{"sensor", "cache", "web"});
}

TEST_CASE("a machine is not ended by who asks from inside it, unless it is meant", "[broker]") {
    Stack stack;
    auto submit = stack.order(Verb::Shutdown, "lab02");
    submit.platform = Bench::vm("l2db").uuid;
    stack.bench.say("ann", submit);
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    submit.yes = true;
    stack.bench.say("ann", submit);
    CHECK(stack.asked() == Labels{"sensor", "cache"});
}

TEST_CASE("resuming goes from the outside, to what does not run", "[broker]") {
    Stack stack;
    stack.set("l2db", "sensor", VmState::Paused);
    stack.set("lab02", "l2db", VmState::Paused);
    stack.submit(Verb::Resume, "lab02");
    CHECK(stack.asked() == Labels{"lab02"});
    stack.end("rack1", "lab02");
    CHECK(stack.asked() == Labels{"lab02", "l2db"});
}

TEST_CASE("what stands still inside is resumed once its machine is heard again", "[broker]") {
    Stack stack;
    stack.set("rack1", "lab02", VmState::Paused);
    REQUIRE(stack.bench.store().workers().at(Bench::worker("lab02")).state == WorkerState::Paused);
    stack.submit(Verb::Resume, "lab02");
    CHECK(stack.asked() == Labels{"lab02"});

    stack.set("rack1", "lab02", VmState::Running);
    stack.end("rack1", "lab02");
    stack.pass(1);
    CHECK(stack.asked() == Labels{"lab02", "l2db", "cache"});
}

TEST_CASE("a VM whose machine is a stopped VM starts with its stack only", "[broker]") {
    Stack stack;
    stack.pass(1);
    stack.stop("rack1", "lab02");
    stack.pass(4, {"lab02", "l2db"});
    REQUIRE(stack.bench.store().workers().at(Bench::worker("lab02")).state == WorkerState::Lost);
    stack.bench.clear();
    stack.bench.say("ann", stack.order(Verb::Start, "cache"));
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    CHECK(stack.refusal().try_next == "ctys start cache --stack");

    auto submit = stack.order(Verb::Start, "cache");
    submit.action.stack = true;
    stack.bench.say("ann", submit);
    CHECK(stack.asked() == Labels{"lab02"});
    stack.set("rack1", "lab02", VmState::Running);
    stack.end("rack1", "lab02");
    CHECK(stack.asked() == Labels{"lab02"});

    stack.join("lab02", Bench::vm("lab02").uuid);
    stack.bench.exchange("lab02", {"cache", "l2db"});
    stack.pass(1);
    CHECK(stack.asked() == Labels{"lab02", "cache"});
    stack.end("lab02", "cache");
    REQUIRE(stack.outcome().has_value());
    CHECK(stack.outcome()->ok());
}

TEST_CASE("what a plan has ended is started as it was before", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "l2db");
    stack.obey("l2db", "sensor");
    stack.obey("lab02", "l2db");
    REQUIRE(stack.outcome().has_value());
    stack.bench.clear();

    auto submit = stack.order(Verb::Start, "like", 9);
    submit.action.like_before = ActionId{7};
    submit.action.dry_run = true;
    stack.bench.say("ann", submit);
    const auto rows = stack.bench.told<msg::Rows>("ann");
    REQUIRE(rows.size() == 1);
    REQUIRE(rows[0].rows.size() == 3);
    CHECK(std::get<PlanStepRecord>(rows[0].rows[1]).step.label == "l2db");
    CHECK(std::get<PlanStepRecord>(rows[0].rows[2]).step.after == std::vector<std::uint32_t>{0});

    submit.action.dry_run = false;
    stack.bench.say("ann", submit);
    CHECK(stack.asked() == Labels{"l2db"});
}

TEST_CASE("a plan that owns a VM lets nobody change its media", "[broker]") {
    Stack stack;
    const auto eject = [&](const std::string& label, std::uint64_t id) {
        stack.bench.clear();
        stack.bench.say("ann", stack.order(Verb::Eject, label, id));
    };
    eject("l2db", 8);
    REQUIRE(stack.open_order("l2db").has_value());
    CHECK(stack.open_order("l2db")->verb == Verb::Eject);
    stack.end("lab02", "l2db");
    stack.submit(Verb::Shutdown, "lab02");

    eject("l2db", 9);
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    CHECK(stack.refusal().message.starts_with("it belongs to "));
    eject("web", 10);
    CHECK(stack.open_order("web").has_value()); // that plan has nothing to do with it
}

TEST_CASE("a plan that owns a VM lets nobody save it or take it back", "[broker]") {
    Stack stack;
    stack.submit(Verb::Shutdown, "lab02");
    std::uint64_t id = 8;
    for (const auto verb : {Verb::SaveSnapshot, Verb::RevertSnapshot, Verb::DeleteSnapshot}) {
        stack.bench.clear();
        auto submit = stack.order(verb, "l2db", id++);
        submit.action.snapshot = "one";
        submit.yes = true;
        stack.bench.say("ann", submit);
        CHECK(stack.refusal().message.starts_with("it belongs to "));
    }
}

TEST_CASE("who takes back a VM that carries others has to agree", "[broker]") {
    Stack stack;
    const auto revert = [&](const std::string& label, bool agreed, std::uint64_t id) {
        stack.bench.clear();
        auto submit = stack.order(Verb::RevertSnapshot, label, id);
        submit.action.snapshot = "one";
        submit.yes = agreed;
        stack.bench.say("ann", submit);
    };
    revert("lab02", false, 7);
    CHECK(stack.refusal().code == ErrorCode::Conflict);
    CHECK(stack.refusal().message == "it carries 3 VMs, which end as by a reset");
    revert("lab02", true, 8);
    CHECK(stack.open_order("lab02").has_value());
    revert("web", false, 9); // carries nothing
    CHECK(stack.open_order("web").has_value());
}
