#include "tools/verbs/rehearsal.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;
using namespace std::chrono_literals;

namespace {

VmDetail stopped() {
    VmDetail detail;
    detail.row.label = "web";
    detail.row.state = VmState::Stopped;
    detail.paths = {{.config = "/a/web.ctys"}, {.config = "/b/web.ctys"}};
    detail.path_workers = {"lab01", "lab02"};
    return detail;
}

VmDetail running() {
    auto detail = stopped();
    detail.row.state = VmState::Running;
    detail.row.worker_name = "lab01";
    return detail;
}

msg::Submit order(Verb verb) {
    msg::Submit out;
    out.action.verb = verb;
    return out;
}

bool says(const std::string& text, std::string_view part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a rehearsed shutdown of a paused VM says that it would be refused", "[tools][dry-run]") {
    auto detail = running();
    detail.row.state = VmState::Paused;
    CHECK(says(rehearsal_of(order(Verb::Shutdown), detail), "would be refused, as it is paused"));
    CHECK(says(rehearsal_of(order(Verb::Kill), detail), "would be asked on lab01"));

    auto cutting = order(Verb::Shutdown);
    cutting.action.always_cut = true;
    CHECK(says(rehearsal_of(cutting, detail), "would be asked on lab01"));
}

TEST_CASE("a rehearsed start names the workers that could run it", "[tools][dry-run]") {
    auto detail = stopped();
    CHECK(says(rehearsal_of(order(Verb::Start), detail), "would start on lab01 or lab02"));

    detail.paths[0].health = PathHealth::Unproven;
    CHECK(says(rehearsal_of(order(Verb::Start), detail), "would start on lab02"));

    detail.paths[1].runnable = false;
    CHECK(says(rehearsal_of(order(Verb::Start), detail), "no path can run it now"));

    auto elsewhere = order(Verb::Start);
    elsewhere.on = "lab01";
    CHECK(says(rehearsal_of(elsewhere, detail), "would start on lab01"));
}

TEST_CASE("a rehearsed resume of what is suspended to disk starts it", "[tools][dry-run]") {
    auto detail = stopped();
    CHECK(says(rehearsal_of(order(Verb::Resume), detail), "as it does not run"));
    detail.row.state = VmState::Suspended;
    CHECK(
        says(rehearsal_of(order(Verb::Resume), detail), "would start on lab01 or lab02, from its"));
}

TEST_CASE("a rehearsed run level cuts nobody", "[tools][dry-run]") {
    auto down = order(Verb::Shutdown);
    down.action.run_level = 0;
    down.action.always_cut = true;
    CHECK(says(rehearsal_of(down, running()), "power is not cut"));
}

TEST_CASE("a rehearsed start of what runs says what the broker would", "[tools][dry-run]") {
    auto reuse = order(Verb::Start);
    reuse.action.if_running = IfRunning::Reuse;

    CHECK(says(rehearsal_of(order(Verb::Start), running()), "would be refused, as it runs"));
    CHECK(says(rehearsal_of(reuse, running()), "would be left as it is"));
}

TEST_CASE("a rehearsed shutdown says when power would be cut", "[tools][dry-run]") {
    auto detail = running();
    CHECK(says(rehearsal_of(order(Verb::Shutdown), detail),
               "would be asked on lab01; power is not cut"));

    detail.vm.grace = 120s;
    CHECK(says(rehearsal_of(order(Verb::Shutdown), detail), "power is cut after 2m00s"));

    auto soon = order(Verb::Shutdown);
    soon.action.deadline = 5s;
    CHECK(says(rehearsal_of(soon, detail), "power is cut after 5.0 s"));
    CHECK(says(rehearsal_of(order(Verb::Kill), stopped()), "refused, as it does not run"));
}

TEST_CASE("a rehearsed order for one worker is for what runs there", "[tools][dry-run]") {
    WorkerRecord lab01;
    lab01.id = WorkerId{Uuid{{1}}};
    lab01.name = "lab01";
    auto lab02 = lab01;
    lab02.id = WorkerId{Uuid{{2}}};
    lab02.name = "lab02";
    auto detail = running();
    detail.instances = {{.worker = lab01.id, .state = VmState::Running}};

    CHECK(says(rehearsal_of(order(Verb::Kill), detail, &lab01), "would be asked on lab01"));
    CHECK(says(rehearsal_of(order(Verb::Kill), detail, &lab02),
               "would be refused, as it runs on lab01, not on lab02"));
    detail.instances.push_back({.worker = lab02.id, .state = VmState::Running});
    CHECK(says(rehearsal_of(order(Verb::Kill), detail, &lab02), "would be asked on lab02"));
}
