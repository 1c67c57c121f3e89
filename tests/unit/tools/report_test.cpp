#include "tools/output/error_report.h"
#include "tools/output/status_screen.h"
#include "tools/output/worker_rows.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;

namespace {

const Error conflict{.code = ErrorCode::Conflict,
                     .message = "may still run on lab07, lost since 13:40",
                     .evidence = {"lease 7"},
                     .try_next = "ctys worker fence lab07"};

} // namespace

TEST_CASE("an error says subject and fact, then evidence, then what to try", "[tools][error]") {
    fmt::memory_buffer out;

    render_error(out, "start tst253", conflict);

    CHECK(fmt::to_string(out) == "ctys: start tst253: may still run on lab07, lost since 13:40\n"
                                 "      lease 7\n"
                                 "      try: ctys worker fence lab07\n");
}

TEST_CASE("an error in json is one object with the exit status", "[tools][error]") {
    fmt::memory_buffer out;

    append_error_json(out, "start tst253", conflict);

    CHECK(fmt::to_string(out) ==
          R"({"code":"conflict","status":5,)"
          R"("message":"start tst253: may still run on lab07, lost since 13:40",)"
          R"("evidence":["lease 7"],"try":"ctys worker fence lab07"})"
          "\n");
}

TEST_CASE("an error without words of its own uses the sentence of its code", "[tools][error]") {
    fmt::memory_buffer out;

    render_error(out, "", Error{.code = ErrorCode::Refused});

    CHECK(fmt::to_string(out) == "ctys: not permitted\n");
}

TEST_CASE("status is well until something is to be looked at", "[tools][status]") {
    StatusRow status{.version = "0.1.0", .vms = 3, .running = 1, .workers_alive = 1, .workers = 1};
    WorkerRecord worker{.name = "lab02"};
    fmt::memory_buffer well;
    fmt::memory_buffer ill;

    render_status(well, status, {worker}, View{});
    worker.state = WorkerState::Lost;
    status.conflicts = 1;
    render_status(ill, status, {worker}, View{});

    CHECK(fmt::to_string(well).starts_with("all is well"));
    CHECK(fmt::to_string(ill).starts_with("2 things to look at"));
    CHECK(fmt::to_string(ill).find("worker lab02 is lost") != std::string::npos);
}

TEST_CASE("a machine that goes down, an ended agent and a second one are things to look at",
          "[tools][status]") {
    const auto screen = [](const WorkerRecord& worker) {
        fmt::memory_buffer out;
        render_status(out, StatusRow{.workers_alive = 1, .workers = 1}, {worker}, View{});
        return fmt::to_string(out);
    };
    WorkerRecord worker{.name = "lab02"};
    CHECK(screen(worker).starts_with("all is well"));
    worker.host_stops = true;
    CHECK(screen(worker).find("lab02: its VMs are being stopped with their machine") !=
          std::string::npos);
    worker.host_stops = false;
    worker.rival = "a second agent of this name, on lab03, is refused";
    CHECK(screen(worker).find("worker lab02: a second agent of this name") != std::string::npos);
    worker.rival.clear();
    worker.ended = true;
    worker.state = WorkerState::Suspect;
    CHECK(screen(worker).find("lab02: its agent has ended in order") != std::string::npos);
}

TEST_CASE("a worker's row names what is wrong with its pools", "[tools][workers]") {
    WorkerRecord worker{.name = "lab02"};
    worker.accelerators = {{.name = "kvm", .usable = false, .why = "guest hangs"},
                           {.name = "tcg", .usable = true, .why = {}}};
    worker.pools = {{.root = "/pool", .health = PoolHealth::Stalled, .vms = 4}};
    fmt::memory_buffer out;

    render_rows(out, std::vector{worker}, Format::Table, View{.header = false}, worker_listing());

    CHECK(fmt::to_string(out) == "lab02  alive  -  0  0  tcg  4  -  pool /pool stalled\n");
}

TEST_CASE("a worker's page tells its processor, accelerators, emulators and plugins",
          "[tools][workers]") {
    WorkerRecord worker{.name = "lab02", .host = "lab02", .arch = "x86_64", .cpus = 2};
    worker.accelerators = {{.name = "kvm", .usable = false, .why = "guests hang"}};
    worker.equipment = {.cpu_model = "EPYC",
                        .cpu_flags = "fpu svm",
                        .emulators = {{.path = "/opt/q/bin/qemu-system-arm",
                                       .arch = "arm",
                                       .version = "7.2.22",
                                       .package = "Debian",
                                       .accelerators = "tcg",
                                       .machines = "none virt",
                                       .cpus = "arm926 max",
                                       .options = 36},
                                      {.path = "/opt/old", .problem = "hangs"}},
                        .requisites = {{"bash", true, "/usr/bin/bash"}}};
    fmt::memory_buffer out;

    for (int i = 0; i < 40; ++i)
        worker.equipment.emulators[0].cpus += " cortex-a" + std::to_string(i);
    render_worker(out, worker, View{});

    const auto text = fmt::to_string(out);
    for (const auto* part :
         {" cpu       EPYC\n           flags fpu svm\n",
          " accel     kvm    not usable: guests hang\n",
          " qemu      /opt/q/bin/qemu-system-arm  7.2.22 (Debian), emulates arm, "
          "has tcg, 36 groups of options\n"
          "             machines none virt\n"
          "             CPUs     arm926 max cortex-a0 cortex-a1 cortex-a2 cortex-a3 "
          "cortex-a4 and 35 more\n"
          "           /opt/old  cannot be used: hangs\n",
          " plugins   CLI   ENABLED (2)\n"
          "           X11   DISABLED (1): missing xterm\n"
          "           VNC   DISABLED (1): missing vncserver\n"
          "           QEMU  DISABLED (1): missing vde_switch, QEMUSOCK, "
          "QEMUMGMT\n"}) {
        INFO(part);
        CHECK(text.find(part) != std::string::npos);
    }
}

TEST_CASE("a worker's page tells with which emulators KVM was not tried", "[tools][workers]") {
    WorkerRecord worker{.name = "lab02"};
    worker.equipment.emulators = {
        {.path = "/q/arm", .accelerators = "tcg"},
        {.path = "/q/x86", .accelerators = "kvm tcg"},
        {.path = "/q/old", .accelerators = "kvm tcg"},
    };
    const auto page_of = [&] {
        fmt::memory_buffer out;
        render_worker(out, worker, View{});
        return fmt::to_string(out);
    };

    // Where nothing was tried, the accelerators say why.
    CHECK(page_of().find("tried") == std::string::npos);

    worker.equipment.emulators[1].kvm_trial = KvmTrial::Up;
    const auto text = page_of();

    CHECK(text.find("has tcg, ") != std::string::npos);
    CHECK(text.find("has kvm tcg (kvm came up), ") != std::string::npos);
    CHECK(text.find("has kvm tcg (kvm not tried), ") != std::string::npos);
}

TEST_CASE("a worker that was not surveyed says so, and shows no plugins", "[tools][workers]") {
    fmt::memory_buffer out;

    render_worker(out, WorkerRecord{.name = "lab02"}, View{});

    CHECK(fmt::to_string(out).find("not surveyed") != std::string::npos);
    CHECK(fmt::to_string(out).find("plugins") == std::string::npos);
}
