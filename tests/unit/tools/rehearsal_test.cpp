#include "tools/verbs/rehearsal.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;
using namespace std::chrono_literals;

namespace {

VmRow row(VmState state) {
    VmRow row;
    row.label = "web";
    row.state = state;
    if (state == VmState::Running) {
        row.worker_name = "lab01";
        row.pid = 7;
    }
    return row;
}

msg::Submit order(Verb verb) {
    msg::Submit out;
    out.action.verb = verb;
    return out;
}

PlanPicture picture(Verb verb) {
    PlanPicture picture;
    PlanStepRecord record;
    record.step.label = "web";
    record.step.worker_name = "lab01";
    record.step.verb = verb;
    picture.steps.push_back(record);
    return picture;
}

bool says(const std::string& text, std::string_view part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a rehearsed start names the worker that the broker chose", "[tools][dry-run]") {
    const auto start = picture(Verb::Start);
    CHECK(says(rehearsal_of(order(Verb::Start), start, row(VmState::Stopped)),
               "stopped: would start on lab01"));
    CHECK(says(rehearsal_of(order(Verb::Resume), start, row(VmState::Suspended)),
               "would start on lab01, from its saved state"));
    auto anew = order(Verb::Start);
    anew.action.discard_state = true;
    CHECK(says(rehearsal_of(anew, start, row(VmState::Suspended)),
               "would start on lab01, without its saved state"));
}

TEST_CASE("a rehearsal with nothing to do says why", "[tools][dry-run]") {
    PlanPicture none;
    none.plan.notes = {"nothing to do: runs already (pid 7)"};
    CHECK(says(rehearsal_of(order(Verb::Start), none, row(VmState::Running)),
               "running on lab01: nothing to do: runs already"));
}

TEST_CASE("a rehearsal says of each verb what it would do", "[tools][dry-run]") {
    const auto [verb, told] = GENERATE(table<Verb, std::string>({
        {Verb::Pause, "running on lab01: would be paused on lab01"},
        {Verb::Resume, "running on lab01: would go on"},
        {Verb::Suspend, "would be saved to disk on lab01, and its QEMU end"},
        {Verb::Reset, "would be reset on lab01"},
        {Verb::Init, "would be asked on lab01 for run level 3"},
        {Verb::Reboot, "would be asked on lab01"},
    }));
    auto plan = picture(verb);
    plan.steps[0].step.run_level = std::uint8_t{3};
    const auto text = rehearsal_of(order(verb), plan, row(VmState::Running));
    INFO(text);
    CHECK(text.ends_with(told));
}

TEST_CASE("a rehearsed run level cuts nobody", "[tools][dry-run]") {
    auto down = order(Verb::Shutdown);
    down.action.run_level = 0;
    CHECK(says(rehearsal_of(down, picture(Verb::Shutdown), row(VmState::Running)),
               "power is not cut"));
}

TEST_CASE("a rehearsed shutdown says when power would be cut", "[tools][dry-run]") {
    auto plan = picture(Verb::Shutdown);
    const auto text = [&] {
        return rehearsal_of(order(Verb::Shutdown), plan, row(VmState::Running));
    };
    CHECK(says(text(), "would be asked on lab01; power is not cut"));
    auto& step = plan.steps[0].step;
    step.cuts = true;
    step.grace = 120s;
    CHECK(says(text(), "power is cut after 2m00s"));
    plan.plan.limited = true;
    step.until = 5s;
    CHECK(says(text(), "power is cut after 5.0 s"));
    step.verb = Verb::Kill;
    CHECK(says(text(), "its power would be cut on lab01"));
    step.verb = Verb::Reboot;
    CHECK(says(text(), "it is reset after 5.0 s"));
}
