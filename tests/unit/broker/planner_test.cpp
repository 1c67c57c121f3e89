// What a plan orders, and when. Times are in seconds from the plan's beginning.

#include "broker/core/planner.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::broker;
using namespace std::chrono_literals;

namespace {

Uuid uuid(const std::string& name) {
    return Uuid::from_name(ctys_namespace(), name);
}

/// A mesh of machines: hardware "rack", and VMs, each of which carries a worker of its name.
struct Estate {
    std::vector<StackVm> vms;
    std::vector<WorkerRecord> workers;

    Estate() { add_worker("rack", {}); }
    WorkerRecord& add_worker(const std::string& name, const Uuid& platform) {
        WorkerRecord record;
        record.id = {uuid("worker " + name)};
        record.name = name;
        record.boot = {uuid("boot " + name)};
        record.platform = platform;
        return workers.emplace_back(std::move(record));
    }
    StackVm& add(const std::string& label, const std::string& on, Duration grace = 10s) {
        StackVm vm{.vm = {uuid(label)}, .label = label};
        vm.worker = {uuid("worker " + on)};
        vm.state = VmState::Running;
        vm.grace = grace;
        add_worker(label, vm.vm.uuid);
        return vms.emplace_back(std::move(vm));
    }
    WorkerRecord& worker(const std::string& name) {
        return *std::find_if(
            workers.begin(), workers.end(), [&](const auto& one) { return one.name == name; });
    }
    [[nodiscard]] Result<Plan> plan(const std::vector<std::string>& targets,
                                    PlanRequest request = {},
                                    PlanPolicy policy = {}) const {
        for (const auto& target : targets)
            request.targets.push_back({uuid(target)});
        return make_plan(StackGraph(vms, workers), request, policy);
    }
};

/// "label begin-until after a,b" for every step.
std::vector<std::string> told(const Plan& plan) {
    std::vector<std::string> out;
    for (const auto& step : plan.steps) {
        std::vector<std::string> after;
        for (const auto index : step.after) {
            after.push_back(plan.steps.at(index).label);
        }
        out.push_back(fmt::format("{} {}-{}{}{}",
                                  step.label,
                                  step.begin / 1s,
                                  step.until / 1s,
                                  after.empty() ? "" : " after ",
                                  fmt::join(after, ",")));
    }
    return out;
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("a plan goes inner first and gives what is left over to the innermost", "[stack]") {
    Estate estate;
    estate.add("lab", "rack", 70s);
    estate.add("db", "lab", 60s);
    estate.add("cache", "lab", 5s);
    estate.add("sensor", "db", 20s);

    const auto plan = estate.plan({"lab"}, {.deadline = 180s});

    REQUIRE(plan);
    CHECK(told(*plan) == Lines{"sensor 0-50",
                               "db 50-110 after sensor",
                               "cache 0-110",
                               "lab 110-180 after db,cache"});
    CHECK(plan->levels == 3);
    CHECK(plan->needed == 150s);
    CHECK(plan->until == 180s);
    Lines chain;
    for (const auto index : plan->critical)
        chain.push_back(plan->steps.at(index).label);
    CHECK(chain == Lines{"sensor", "db", "lab"});
    CHECK(std::all_of(plan->steps.begin(), plan->steps.end(), [](const auto& step) {
        return step.cuts && step.verb == Verb::Shutdown;
    }));
}

TEST_CASE("every step comes after those it waits for, whatever the order of targets", "[stack]") {
    Estate estate;
    estate.add("a", "rack");
    estate.add("b", "a");
    estate.add("c", "b");
    estate.add("d", "rack");

    const auto plan = estate.plan({"c", "d", "a"});

    REQUIRE(plan);
    CHECK(plan->steps.size() == 4);
    for (std::uint32_t i = 0; i < plan->steps.size(); ++i) {
        for (const auto before : plan->steps[i].after)
            CHECK(before < i);
    }
}

TEST_CASE("too short a deadline is refused with the time that is needed, or shared out",
          "[stack]") {
    Estate estate;
    estate.add("l1", "rack", 60s);
    estate.add("l2", "l1", 40s);

    const auto refused = estate.plan({"l1"}, {.deadline = 50s});
    const auto shrunk = estate.plan({"l1"}, {.deadline = 50s, .shrink = true});

    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Conflict);
    CHECK(refused.error().message == "50s are too short, 1m40s are needed");
    REQUIRE(shrunk);
    CHECK(told(*shrunk) == Lines{"l2 0-20", "l1 20-50 after l2"});
}

TEST_CASE("a deadline of nothing cuts at once, inner first", "[stack]") {
    Estate estate;
    estate.add("l1", "rack");
    estate.add("l2", "l1");

    const auto plan = estate.plan({"l1"}, {.deadline = 0s});

    REQUIRE(plan);
    CHECK(told(*plan) == Lines{"l2 0-0", "l1 0-0 after l2"});
    CHECK(plan->steps[0].verb == Verb::Kill);
    CHECK(plan->steps[1].verb == Verb::Kill);
}

TEST_CASE("a deadline of a year is a plan like any other", "[stack]") {
    Estate estate;
    estate.add("l1", "rack", 8760h);
    estate.add("l2", "l1", 8760h);

    CHECK(estate.plan({"l1"}, {.deadline = 17520h}));
    const auto shrunk = estate.plan({"l1"}, {.deadline = 8760h, .shrink = true});
    REQUIRE(shrunk);
    CHECK(shrunk->steps[0].until == 4380h);
}

TEST_CASE("without any deadline only VMs with a grace are cut", "[stack]") {
    Estate estate;
    estate.add("l1", "rack").grace = std::nullopt;
    estate.add("l2", "l1", 30s);

    const auto plan = estate.plan({"l1"});

    REQUIRE(plan);
    CHECK(plan->steps[0].cuts);
    CHECK_FALSE(plan->steps[1].cuts);
    CHECK(plan->needed == 210s);
}

TEST_CASE("without a deadline no share ends later than its VM is cut", "[stack]") {
    Estate estate;
    estate.add("lab", "rack", 60s);
    estate.add("db", "lab", 40s);
    estate.add("cache", "lab", 2s);
    estate.add("quick", "lab", 5s);
    estate.add("slow", "lab").grace = std::nullopt;

    const auto plan = estate.plan({"lab"}, {.width = 2});

    REQUIRE(plan);
    CHECK(told(*plan) == Lines{"slow 0-180",
                               "db 0-40",
                               "quick 180-185",
                               "cache 180-182",
                               "lab 185-245 after slow,db,quick,cache"});
    for (const auto& step : plan->steps) {
        const auto cut = cut_time(step, plan->limited);
        CHECK((!cut || *cut == step.until));
    }
}

TEST_CASE("siblings beyond the width wait for another wave", "[stack]") {
    Estate estate;
    estate.add("l1", "rack", 10s);
    for (int i = 0; i < 5; ++i)
        estate.add(fmt::format("v{}", i), "l1", 20s);

    const auto plan = estate.plan({"l1"}, {.deadline = 70s, .width = 2});

    REQUIRE(plan);
    CHECK(plan->needed == 70s);
    CHECK(told(*plan) == Lines{"v0 0-20",
                               "v1 0-20",
                               "v2 20-40",
                               "v3 20-40",
                               "v4 40-60",
                               "l1 60-70 after v0,v1,v2,v3,v4"});
}

TEST_CASE("what nobody can order is named by what carries it", "[stack]") {
    Estate estate;
    estate.add("l1", "rack");
    estate.add("l2", "l1");
    estate.add("l3", "l2");
    estate.worker("l1").state = WorkerState::Lost;

    const auto plan = estate.plan({"l1"});
    const auto inside = estate.plan({"l2"});

    REQUIRE(plan);
    REQUIRE(plan->steps.size() == 1);
    CHECK(plan->steps[0].unreached == Lines{"l2"});
    REQUIRE_FALSE(inside);
    CHECK(inside.error().code == ErrorCode::Unreachable);
}

TEST_CASE("what stands or runs as it is to has no step", "[stack]") {
    Estate estate;
    estate.add("l1", "rack");
    estate.add("cache", "l1");
    auto resume = estate.plan({"l1"}, {.verb = Verb::Resume});
    REQUIRE(resume);
    CHECK(resume->steps.empty());
    CHECK(resume->notes == std::vector<std::string>{"nothing to do: it runs already"});

    estate.vms[1].state = VmState::Paused;
    resume = estate.plan({"l1"}, {.verb = Verb::Resume});
    REQUIRE(resume);
    CHECK(resume->steps.size() == 2);

    estate.vms[0].state = VmState::Paused;
    const auto pause = estate.plan({"l1"}, {.verb = Verb::Pause});
    REQUIRE(pause);
    CHECK(pause->steps.empty());
}

TEST_CASE("what sleeps on disk is started before what it carries is resumed", "[stack]") {
    Estate estate;
    auto& l1 = estate.add("l1", "rack");
    l1.asleep = true;
    l1.state = VmState::Suspended;
    estate.add("cache", "l1").state = VmState::Frozen;
    estate.worker("l1").state = WorkerState::Paused;
    const auto resume =
        estate.plan({"l1", "cache"}, {.verb = Verb::Resume, .skip_unreached = true});
    REQUIRE(resume);
    REQUIRE(resume->steps.size() == 2);
    CHECK(resume->steps[0].verb == Verb::Start);
    CHECK(resume->steps[0].label == "l1");
    CHECK(resume->steps[1].verb == Verb::Resume);
    CHECK(resume->steps[1].after == std::vector<std::uint32_t>{0});
    CHECK(resume->steps[1].until >= 600s);

    const auto alone = estate.plan({"cache"}, {.verb = Verb::Resume});
    REQUIRE_FALSE(alone);
    CHECK(alone.error().code == ErrorCode::Unreachable);
}

TEST_CASE("an agent inside that nobody hears is named with what it carries", "[stack]") {
    Estate estate;
    estate.add("l1", "rack");
    estate.add("in1", "l1");
    estate.add("in2", "l1");
    estate.worker("l1").state = WorkerState::Lost;
    const auto plan = estate.plan({"l1"});
    REQUIRE(plan);
    CHECK(plan->steps[0].unreached == std::vector<std::string>{"in1", "in2"});
    CHECK(plan->notes == std::vector<std::string>{
                             "l1 is lost: nobody here can ask in1, in2, or see how they end"});
}

TEST_CASE("a note of what nobody can reach fits the verb", "[stack]") {
    Estate estate;
    estate.add("l1", "rack");
    estate.add("in1", "l1");
    estate.worker("l1").state = WorkerState::Lost;
    const auto [verb, note] = GENERATE(table<Verb, std::string>({
        {Verb::Shutdown, "nobody here can ask in1, or see how it ends"},
        {Verb::Reboot, "nobody here can ask in1, or see how it ends"},
        {Verb::Kill, "nobody here can cut in1, or see how it ends"},
        {Verb::Pause, "nobody here can pause in1, or see that it stands"},
        {Verb::Suspend, "nobody here can pause in1, or see that it stands"},
        {Verb::Resume, "nobody here can resume in1, or see whether it goes on"},
    }));
    const bool is_rising = verb == Verb::Resume;
    if (is_rising) estate.vms[0].state = VmState::Paused;
    const auto plan = estate.plan({"l1"}, {.verb = verb});
    REQUIRE(plan);
    CHECK(plan->notes == Lines{"l1 is lost: " + note});
}

TEST_CASE("a VM that cannot be asked is told, and cut only if that is wanted", "[stack]") {
    Estate estate;
    estate.add("l1", "rack");
    estate.add("byhand", "l1").can_ask = false;

    const auto careful = estate.plan({"l1"});
    const auto cutting = estate.plan({"l1"}, {.cut_unaskable = true});

    REQUIRE(careful);
    REQUIRE_FALSE(check_askable(*careful, Verb::Shutdown));
    CHECK(check_askable(*careful, Verb::Shutdown).error().evidence ==
          std::vector<std::string>{
              "byhand on l1 (ctys) cannot be asked now; ctys show byhand says why"});
    CHECK(check_askable(*careful, Verb::Shutdown).error().try_next ==
          "--cut-unaskable cuts them in their turn");
    // INIT is done by guests alone: ctys init has no such option.
    CHECK(check_askable(*careful, Verb::Init).error().try_next ==
          "end them inside, or cut them: ctys shutdown VM --cut-unaskable");
    CHECK(careful->steps[0].verb == Verb::Shutdown);
    REQUIRE(cutting);
    CHECK(check_askable(*cutting, Verb::Shutdown));
    CHECK(cutting->steps[0].verb == Verb::Kill);
    CHECK(cutting->steps[1].verb == Verb::Shutdown);
}

TEST_CASE("a step knows whether its VM has a guest agent", "[stack]") {
    Estate estate;
    estate.add("l1", "rack").guest_agent = true;
    estate.add("l2", "l1");

    const auto plan = estate.plan({"l1"});

    REQUIRE(plan);
    CHECK(plan->steps[1].label == "l1");
    CHECK(plan->steps[1].guest_agent);
    CHECK_FALSE(plan->steps[0].guest_agent);
}

TEST_CASE("force is one step, resume goes outer first", "[stack]") {
    Estate estate;
    estate.add("l1", "rack");
    estate.add("l2", "l1");

    const auto forced = estate.plan({"l1"}, {.scope = Scope::Force});
    for (auto& vm : estate.vms)
        vm.state = VmState::Paused;
    const auto resumed = estate.plan({"l1"}, {.verb = Verb::Resume});

    REQUIRE(forced);
    CHECK(forced->steps.size() == 1);
    REQUIRE(resumed);
    REQUIRE(resumed->steps.size() == 2);
    CHECK(resumed->steps[0].label == "l1");
    CHECK(resumed->steps[1].after == std::vector<std::uint32_t>{0});
}

TEST_CASE("a plan for nothing says so", "[stack]") {
    Estate estate;
    estate.add("off", "rack").worker = {};

    CHECK(estate.plan({"off"}).error().code == ErrorCode::Conflict);
    CHECK(estate.plan({"nosuch"}).error().code == ErrorCode::NotFound);
    CHECK(estate.plan({"off"}, {.verb = Verb::Scan}).error().code == ErrorCode::Unsupported);
}

TEST_CASE("a circle is never planned through", "[stack]") {
    Estate estate;
    estate.add("x", "y");
    estate.add("y", "x");

    const auto plan = estate.plan({"x"});

    REQUIRE(plan);
    CHECK(plan->steps.size() == 1);
}

TEST_CASE("a reboot ends what is inside and reboots its targets", "[stack]") {
    Estate estate;
    estate.add("lab", "rack", 70s);
    estate.add("db", "lab", 60s);

    const auto plan = estate.plan({"lab"}, {.verb = Verb::Reboot, .deadline = 180s});
    const auto unlimited = estate.plan({"lab"}, {.verb = Verb::Reboot});
    const auto reset = estate.plan({"lab"}, {.verb = Verb::Reset});

    REQUIRE(plan);
    CHECK(told(*plan) == Lines{"db 0-110", "lab 110-180 after db"});
    CHECK(plan->steps[0].verb == Verb::Shutdown);
    CHECK(plan->steps[1].verb == Verb::Reboot);
    CHECK(plan->steps[1].cuts);
    REQUIRE(unlimited);
    // A grace is for what ends for good.
    CHECK(unlimited->steps[0].cuts);
    CHECK_FALSE(unlimited->steps[1].cuts);
    CHECK_FALSE(unlimited->steps[1].grace.has_value());
    REQUIRE(reset);
    CHECK(reset->steps[0].verb == Verb::Shutdown);
    CHECK(reset->steps[1].verb == Verb::Reset);
}

TEST_CASE("what ctys has not started is not rebooted, and nothing inside is ended for it",
          "[stack]") {
    Estate estate;
    estate.add("lab", "rack").owner = Owner::Libvirt;
    estate.add("db", "lab");
    const auto plan = estate.plan({"lab"}, {.verb = Verb::Reboot});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == ErrorCode::Conflict);
    CHECK(estate.plan({"lab"}, {.verb = Verb::Reset}).has_value());
}

TEST_CASE("to suspend a stack is to pause what is inside first", "[stack]") {
    Estate estate;
    estate.add("lab", "rack");
    estate.add("db", "lab");
    const auto plan = estate.plan({"lab"}, {.verb = Verb::Suspend});
    REQUIRE(plan);
    CHECK(plan->steps[0].verb == Verb::Pause);
    CHECK(plan->steps[1].verb == Verb::Suspend);
    CHECK(plan->steps[1].after == std::vector<std::uint32_t>{0});
}

TEST_CASE("what is paused already is none of a plan that pauses", "[stack]") {
    Estate estate;
    estate.add("lab", "rack");
    estate.add("db", "lab").state = VmState::Paused;
    const auto plan = estate.plan({"lab"}, {.verb = Verb::Suspend});
    REQUIRE(plan);
    CHECK(plan->steps.size() == 1);
    CHECK(estate.plan({"lab"}, {.verb = Verb::Shutdown})->steps.size() == 2);
}

TEST_CASE("a run level cuts nobody at his grace", "[stack]") {
    Estate estate;
    estate.add("lab", "rack", 70s);
    estate.add("db", "lab", 5s);
    const auto plan = estate.plan({"lab"}, {.verb = Verb::Shutdown, .never_cuts = true});
    REQUIRE(plan);
    CHECK(std::none_of(plan->steps.begin(), plan->steps.end(), [](const auto& step) {
        return step.cuts || step.grace.has_value();
    }));
    CHECK(plan->needed == 360s);
}

TEST_CASE("siblings end in the reverse order of STARTAFTER, each within its share", "[stack]") {
    Estate estate;
    estate.add("lab", "rack", 60s);
    estate.add("db", "lab", 30s);
    estate.add("app", "lab", 20s).start_after = {"db"};
    estate.add("shop", "lab", 10s).start_after = {"app", "nobody"};
    estate.add("cache", "lab", 40s);

    const auto plan = estate.plan({"lab"}, {.deadline = 180s});

    REQUIRE(plan);
    CHECK(told(*plan) == Lines{"shop 0-70",
                               "app 70-90 after shop",
                               "cache 0-120",
                               "db 90-120 after app",
                               "lab 120-180 after shop,app,cache,db"});
    CHECK(plan->needed == 120s);
    for (auto& vm : estate.vms)
        vm.state = VmState::Paused;
    const auto resumed = estate.plan({"lab"}, {.verb = Verb::Resume});
    REQUIRE(resumed);
    Lines order;
    for (const auto& step : resumed->steps)
        order.push_back(step.label);
    CHECK(std::find(order.begin(), order.end(), "db") <
          std::find(order.begin(), order.end(), "app"));
    CHECK(std::find(order.begin(), order.end(), "app") <
          std::find(order.begin(), order.end(), "shop"));
}

TEST_CASE("STARTAFTER counts among VMs of one worker, and no circle is followed", "[stack]") {
    Estate estate;
    estate.add("a", "rack").start_after = {"b", "far"};
    estate.add("b", "rack").start_after = {"a"};
    estate.add("lab", "rack");
    estate.add("far", "lab").start_after = {"a"};

    const auto plan = estate.plan({"a", "b", "lab"});

    REQUIRE(plan);
    CHECK(plan->steps.size() == 4);
    CHECK(plan->notes == Lines{"STARTAFTER of a and b makes a circle: not obeyed there"});
    for (std::uint32_t i = 0; i < plan->steps.size(); ++i) {
        for (const auto before : plan->steps[i].after)
            CHECK(before < i);
    }
}

TEST_CASE("a chain of STARTAFTER may be as long as its VMs are many", "[stack]") {
    constexpr std::size_t count = 50'000;
    Estate estate;
    std::vector<std::string> targets;
    for (std::size_t i = 0; i < count; ++i) {
        auto& vm = estate.add(fmt::format("vm{}", i), "rack", 1s);
        if (i > 0) vm.start_after = {targets.back()};
        targets.push_back(vm.label);
    }

    const auto plan = estate.plan(targets, {.width = count});

    REQUIRE(plan);
    REQUIRE(plan->steps.size() == count);
    CHECK(plan->steps.front().label == targets.back());
    CHECK(plan->steps.back().label == targets.front());
}

TEST_CASE("a machine ends after all that runs on it, and is cut only at a deadline", "[stack]") {
    Estate estate;
    estate.add("lab", "rack", 60s);
    estate.add("db", "lab", 30s);
    PlanRequest request{.verb = Verb::Shutdown};
    request.self = {uuid("worker lab")};

    const auto plan = estate.plan({"db"}, request);
    request.deadline = 180s;
    const auto limited = estate.plan({"db"}, request);
    request.self = {uuid("worker rack")};
    const auto hardware = estate.plan({"lab"}, request);

    REQUIRE(plan);
    CHECK(told(*plan) == Lines{"db 0-30", "lab 30-90 after db"});
    CHECK(plan->steps[1].verb == Verb::Init);
    CHECK(plan->steps[1].run_level == std::uint8_t{0});
    CHECK(plan->steps[1].worker_name == "lab");
    REQUIRE(limited);
    CHECK(told(*limited) == Lines{"db 0-120", "lab 120-180 after db", "lab 180-180 after lab"});
    CHECK(limited->steps[2].verb == Verb::Kill);
    CHECK(limited->steps[2].worker_name == "rack");
    CHECK(limited->count_vms() == 2);
    REQUIRE(hardware);
    CHECK(told(*hardware) == Lines{"db 0-60", "lab 60-120 after db", "rack 120-180 after lab"});
    CHECK(hardware->steps[2].vm.is_none());
}

TEST_CASE("centuries of grace times thousands of waves stay a span of time", "[stack]") {
    Estate estate;
    estate.add("l1", "rack", 24h * 365 * 1000);
    estate.add("l2", "l1", 24h * 365 * 1000);
    for (int i = 0; i < 400; ++i)
        estate.add(fmt::format("v{}", i), "l2", 24h * 365 * 1000);

    const auto plan = estate.plan({"l1"}, {.width = 1});
    const auto shrunk = estate.plan({"l1"}, {.deadline = 60s, .shrink = true, .width = 1});

    REQUIRE(plan);
    CHECK(plan->needed == 24h * 365 * 1000);
    CHECK(estate.plan({"l1"}, {.deadline = 8760h}).error().code == ErrorCode::Conflict);
    REQUIRE(shrunk);
    for (const auto* each : {&*plan, &*shrunk}) {
        CHECK(std::all_of(each->steps.begin(), each->steps.end(), [&](const auto& step) {
            return step.begin >= 0s && step.begin <= step.until && step.until <= each->until;
        }));
    }
}

TEST_CASE("of many targets those that are away are left out, unless all are", "[stack]") {
    Estate estate;
    estate.add("here", "rack");
    for (int i = 0; i < 10; ++i)
        estate.add(fmt::format("v{}", i), "here");
    estate.add_worker("far", {}).state = WorkerState::Lost;
    for (int i = 0; i < 10; ++i)
        estate.add(fmt::format("f{}", i), "far");
    Lines away;
    for (int i = 0; i < 10; ++i)
        away.push_back(fmt::format("f{}", i));
    auto all = away;
    all.emplace_back("here");

    const auto plan = estate.plan(all, {.skip_unreached = true});
    const auto refused = estate.plan(away, {.skip_unreached = true});

    REQUIRE(plan);
    CHECK(plan->steps.size() == 11);
    REQUIRE(plan->notes.size() == 1);
    CHECK(plan->notes[0].starts_with("left out: the workers of f"));
    CHECK(plan->notes[0].ends_with(" and 2 more are away"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Unreachable);
}
