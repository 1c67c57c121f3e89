#include "tools/output/plan_text.h"
#include "tools/verbs/planning.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::tools;
using std::chrono::seconds;

namespace {

PlanStepRecord step(std::uint32_t index,
                    const std::string& label,
                    std::uint32_t level,
                    std::vector<std::uint32_t> after,
                    Duration begin,
                    Duration until) {
    PlanStepRecord record{.index = index};
    record.step.label = label;
    record.step.level = level;
    record.step.after = std::move(after);
    record.step.begin = begin;
    record.step.until = until;
    record.step.cuts = true;
    return record;
}

PlanPicture sample() {
    PlanPicture picture;
    picture.plan = {.verb = Verb::Shutdown,
                    .target = "lab02",
                    .steps = 4,
                    .needed = seconds{180},
                    .until = seconds{180},
                    .levels = 3,
                    .limited = true,
                    .critical = {0, 1, 3}};
    picture.steps = {step(0, "sensor", 2, {}, {}, seconds{40}),
                     step(1, "l2db", 1, {0}, seconds{40}, seconds{110}),
                     step(2, "cache", 1, {}, {}, seconds{110}),
                     step(3, "lab02", 0, {1, 2}, seconds{110}, seconds{180})};
    return picture;
}

std::string text_of(const PlanPicture& picture, bool utf8 = true) {
    fmt::memory_buffer out;
    render_plan(out, picture, View{.utf8 = utf8});
    return fmt::to_string(out);
}

} // namespace

TEST_CASE("a plan is drawn with what carries before what is carried", "[tools]") {
    CHECK(text_of(sample()) ==
          R"(shutdown lab02: 4 VMs on 3 levels, at most 3:00, nothing is cut before its own deadline
lab02         power button  1:50 - 3:00  after l2db, cache
├─ l2db       power button  0:40 - 1:50  after sensor
│  └─ sensor  power button  0:00 - 0:40
└─ cache      power button  0:00 - 1:50
critical path: sensor > l2db > lab02
)");
    CHECK(text_of(sample(), false).find("`- cache") != std::string::npos);
}

TEST_CASE("a plan names the guest agent of a VM that has one", "[tools]") {
    auto picture = sample();
    picture.steps[0].step.guest_agent = true;
    picture.steps[2].step.guest_agent = true;
    picture.steps[2].step.owner = Owner::Libvirt;
    const auto text = text_of(picture);
    CHECK(text.find("sensor  guest agent   0:00 - 0:40\n") != std::string::npos);
    CHECK(text.find("cache      by its owner") != std::string::npos);
    CHECK(text.find("l2db       power button") != std::string::npos);
    fmt::memory_buffer out;
    JsonWriter json(out);
    append_plan_json(json, picture);
    CHECK(fmt::to_string(out).find(R"("can_ask":true,"guest_agent":true)") != std::string::npos);
}

TEST_CASE("a plan says what cannot be asked and what nobody can reach", "[tools]") {
    auto picture = sample();
    picture.steps[2].step.can_ask = false;
    picture.steps[1].step.unreached = {"probe"};
    picture.plan.notes = {"w3 and w4 have one platform UUID"};
    const auto text = text_of(picture);
    CHECK(text.find("cache      cannot be asked") != std::string::npos);
    CHECK(text.find("after sensor; its own agent ends probe") != std::string::npos);
    CHECK(text.find("note: w3 and w4 have one platform UUID") != std::string::npos);
}

TEST_CASE("what nobody can reach is told in words that fit the verb", "[tools]") {
    const auto [verb, told] = GENERATE(table<Verb, std::string>({
        {Verb::Shutdown, "its own agent ends in1, in2"},
        {Verb::Reboot, "its own agent ends in1, in2"},
        {Verb::Kill, "in1, in2 end with it"},
        {Verb::Reset, "in1, in2 end with it"},
        {Verb::Pause, "in1, in2 stand with it"},
        {Verb::Suspend, "in1, in2 stand with it"},
        {Verb::Resume, "nobody can resume in1, in2"},
    }));
    auto picture = sample();
    picture.plan.verb = verb;
    for (auto& each : picture.steps)
        each.step.verb = verb;
    picture.steps[1].step.unreached = {"in1", "in2"};
    CHECK(text_of(picture).find(told + "\n") != std::string::npos);
    picture.steps[1].step.unreached = {"in1"};
    if (verb == Verb::Pause)
        CHECK(text_of(picture).find("in1 stands with it\n") != std::string::npos);
}

TEST_CASE("a plan to resume says nothing of ends and cuts", "[tools]") {
    PlanPicture picture;
    picture.plan = {.verb = Verb::Resume,
                    .target = "lab02",
                    .steps = 2,
                    .needed = seconds{600},
                    .until = seconds{600},
                    .levels = 2,
                    .critical = {0, 1}};
    picture.steps = {step(0, "lab02", 0, {}, {}, seconds{600}),
                     step(1, "cache", 1, {0}, {}, seconds{600})};
    picture.steps[0].step.vm = VmId{Uuid::from_name(ctys_namespace(), "lab02")};
    picture.steps[1].step.vm = VmId{Uuid::from_name(ctys_namespace(), "cache")};
    picture.steps[0].step.verb = Verb::Start;
    picture.steps[1].step.verb = Verb::Resume;
    CHECK(text_of(picture) ==
          R"(resume lab02: 2 VMs on 2 levels, about 10:00 if all take their time
lab02     state from disk  0:00 - 10:00
└─ cache  resume           0:00 - 10:00  after lab02
critical path: lab02 > cache
)");
    picture.plan.verb = Verb::Start;
    CHECK(text_of(picture).find("lab02     start   0:00") != std::string::npos);
}

TEST_CASE("a plan without a deadline says who is cut at his own", "[tools]") {
    auto picture = sample();
    picture.plan.limited = false;
    for (auto& each : picture.steps) {
        each.step.cuts = false;
    }
    picture.steps[2].step.cuts = true;
    picture.steps[2].step.grace = seconds{8};
    picture.steps[3].step.cuts = true;
    picture.steps[3].step.grace = seconds{70};
    const auto text = text_of(picture);
    CHECK(text.find("cache      power button  0:00 - 1:50  cut by 0:08 (its GRACE)") !=
          std::string::npos);
    CHECK(text.find("after l2db, cache; cut by 3:00 (its GRACE)") != std::string::npos);
    CHECK(text.find("sensor  power button  0:00 - 0:40\n") != std::string::npos);
    fmt::memory_buffer out;
    JsonWriter json(out);
    append_plan_json(json, picture);
    CHECK(fmt::to_string(out).find(R"("cuts":true,"cut_s":8.000)") != std::string::npos);
    CHECK(fmt::to_string(out).find(R"("cuts":false,"cut_s":null)") != std::string::npos);
}

TEST_CASE("of a plan that is carried out it is told what became of each step", "[tools]") {
    auto picture = sample();
    picture.plan.action = ActionId{0x81d0};
    picture.plan.spent = seconds{9};
    picture.steps[0].state = StepState::Done;
    picture.steps[0].over = seconds{2};
    picture.steps[0].text = "gone after 2.1 s";
    picture.steps[1].state = StepState::Asked;
    picture.steps[1].text = "shutdown asked";
    const auto text = text_of(picture);
    CHECK(text.find("shutdown lab02: 4 VMs on 3 levels, 9.0 s spent") == 0);
    CHECK(text.find("sensor  done     0:02  gone after 2.1 s") != std::string::npos);
    CHECK(text.find("l2db       asked") != std::string::npos);
}

TEST_CASE("steps that point nowhere are drawn all the same", "[tools]") {
    auto picture = sample();
    picture.steps[3].step.after = {1, 77};
    picture.plan.critical = {99};
    CHECK(text_of(picture).find("cache") != std::string::npos);
    fmt::memory_buffer out;
    JsonWriter json(out);
    append_plan_json(json, picture);
    CHECK(fmt::to_string(out).find(R"("after":[1,77])") != std::string::npos);
}

TEST_CASE("a plan that reboots tells what is started again afterwards", "[tools]") {
    auto picture = sample();
    picture.plan.verb = Verb::Reboot;
    picture.plan.target = "lab02";
    auto vm = 1U;
    for (auto& each : picture.steps) {
        each.step.vm = VmId{Uuid::from_name(ctys_namespace(), std::to_string(vm++))};
    }
    picture.steps[3].step.verb = Verb::Reboot;
    const auto start = [&](std::uint32_t index, std::uint32_t of, std::uint32_t after) {
        auto again = step(
            index, picture.steps[of].step.label, picture.steps[of].step.level, {after}, {}, {});
        again.step.vm = picture.steps[of].step.vm;
        again.step.worker_name = "lab02";
        again.step.verb = Verb::Start;
        again.step.boot = BootId{Uuid::from_name(ctys_namespace(), "boot")};
        picture.steps.push_back(again);
    };
    start(4, 2, 3);
    start(5, 1, 3);
    start(6, 0, 5);
    picture.plan.steps = 7;
    CHECK(text_of(picture) ==
          R"(reboot lab02: 4 VMs on 3 levels, at most 3:00, nothing is cut before its own deadline
lab02         reboot        1:50 - 3:00  after l2db, cache
├─ l2db       power button  0:40 - 1:50  after sensor
│  └─ sensor  power button  0:00 - 0:40
└─ cache      power button  0:00 - 1:50
started again afterwards, from the outside:
cache      start    when lab02 has called again
l2db       start    when lab02 has called again
└─ sensor  start    after l2db
critical path: sensor > l2db > lab02
)");
}

TEST_CASE("a machine's own end and its cut at the deadline are told apart", "[tools]") {
    PlanPicture picture;
    picture.plan = {.verb = Verb::Shutdown,
                    .target = "w:lab02",
                    .steps = 3,
                    .needed = seconds{60},
                    .until = seconds{60},
                    .levels = 2,
                    .limited = true};
    picture.steps = {step(0, "cache", 1, {}, {}, seconds{40}),
                     step(1, "lab02", 0, {0}, seconds{40}, seconds{60}),
                     step(2, "lab02", 0, {1}, seconds{60}, seconds{60})};
    picture.steps[0].step.vm = VmId{Uuid::from_name(ctys_namespace(), "cache")};
    picture.steps[1].step.verb = Verb::Init;
    picture.steps[1].step.run_level = std::uint8_t{0};
    picture.steps[2].step.verb = Verb::Kill;
    for (auto i : {1U, 2U})
        picture.steps[i].step.vm = VmId{Uuid::from_name(ctys_namespace(), "lab02")};
    CHECK(
        text_of(picture) ==
        R"(shutdown w:lab02: 2 VMs on 2 levels, at most 1:00, nothing is cut before its own deadline
lab02     its own power-off  0:40 - 1:00  after cache
└─ cache  power button       0:00 - 0:40
lab02     power cut          1:00 - 1:00  if it has not gone by then
)");
}

TEST_CASE("a plan that claims to be absurdly deep is drawn all the same", "[tools]") {
    PlanPicture picture;
    constexpr std::uint32_t steps = 20000;
    picture.plan = {.verb = Verb::Shutdown, .target = "deep", .steps = steps, .levels = steps};
    for (std::uint32_t i = 0; i < steps; ++i) {
        picture.steps.push_back(
            step(i, "v", i, i == 0 ? std::vector<std::uint32_t>{} : std::vector{i - 1}, {}, {}));
    }
    const auto text = text_of(picture);
    CHECK(std::count(text.begin(), text.end(), '\n') == steps + 1);
}
