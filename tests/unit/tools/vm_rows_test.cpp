#include "tools/output/vm_detail.h"
#include "tools/output/vm_rows.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;
using namespace std::chrono_literals;

namespace {

const WallTime listed_at = *WallTime::parse("2026-03-01T12:00:00Z");

VmId vm_id(std::uint8_t last) {
    VmId id;
    id.uuid.bytes[15] = last;
    return id;
}

WorkerId worker_id() {
    WorkerId id;
    id.uuid.bytes[0] = 7;
    return id;
}

VmRow running(std::string label) {
    return {.vm = vm_id(1),
            .label = std::move(label),
            .type = "QEMU",
            .worker = worker_id(),
            .worker_name = "lab02",
            .state = VmState::Running,
            .managed = true,
            .owner = Owner::Ctys,
            .age = 1s,
            .started = listed_at - 372s,
            .accelerator = "tcg",
            .pid = 4712,
            .paths = 2,
            .ip = "10.0.3.2"};
}

VmRow stopped(std::string label) {
    return {.vm = vm_id(2),
            .label = std::move(label),
            .state = VmState::Stopped,
            .owner = Owner::Ctys,
            .paths = 1};
}

std::string render(const std::vector<VmRow>& rows, Format format) {
    fmt::memory_buffer out;
    render_rows(out, rows, format, View{.now = listed_at}, vm_listing());
    return fmt::to_string(out);
}

} // namespace

TEST_CASE("the list shows one line per VM in the columns of the manual", "[tools][list]") {
    CHECK(render({running("web01"), stopped("db")}, Format::Table) ==
          "LABEL  STATE    WORKER     UP  ADDRESS   ACCEL  OWNER  PATHS  NOTE\n"
          "web01  running  lab02   6m12s  10.0.3.2  tcg    ctys       2  -\n"
          "db     stopped  -           -  -         -      ctys       1  -\n");
}

TEST_CASE("running VMs come first, then the label decides", "[tools][list]") {
    std::vector rows{stopped("a"), running("z"), running("b"), stopped("c")};

    sort_for_people(rows);

    std::string order;
    for (const auto& row : rows)
        order += row.label;
    CHECK(order == "bzac");
}

TEST_CASE("a row that was not confirmed for five seconds says how old it is", "[tools][list]") {
    auto row = running("web01");
    CHECK(state_text(row) == "running");

    row.age = 14min + 3s;
    row.worker_state = WorkerState::Lost;

    CHECK(state_text(row) == "running (14m03s ago)");
    CHECK(render({row}, Format::Table).find("lab02 lost 11:45") != std::string::npos);
    const auto json = render({row}, Format::Jsonl);
    CHECK(json.find(R"("state":"running")") != std::string::npos);
    CHECK(json.find(R"("age_s":843.000)") != std::string::npos);
    CHECK(json.find(R"("worker_state":"lost")") != std::string::npos);
}

TEST_CASE("a conflict is the first thing a note says", "[tools][list]") {
    auto row = running("web01");
    row.conflict = true;
    row.note = "no monitor";

    CHECK(render({row}, Format::Table).find("CONFLICT: runs more than once, no monitor") !=
          std::string::npos);
}

TEST_CASE("json of a VM has our keys and all 22 LIST fields of the original", "[tools][list]") {
    const auto json = render({running("web01")}, Format::Json);

    for (const auto* key :
         {"label",   "uuid",     "worker",      "worker_state", "state",       "reason",
          "managed", "owner",    "age_s",       "accelerator",  "pid",         "paths",
          "pm",      "type",     "id",          "mac",          "tcp",         "display",
          "cport",   "sport",    "uid",         "gid",          "cstype",      "jobid",
          "ifname",  "reserved", "contextstrg", "execpath",     "hyperrelrun", "arch"}) {
        INFO(key);
        CHECK(json.find(fmt::format("\"{}\":", key)) != std::string::npos);
    }
    CHECK(json.starts_with("[{"));
    CHECK(json.ends_with("}]\n"));
}

TEST_CASE("no rows are an empty array, and no lines at all in jsonl", "[tools][list]") {
    CHECK(render({}, Format::Json) == "[]\n");
    CHECK(render({}, Format::Jsonl).empty());
}

TEST_CASE("what a configuration says in vain is a note where nothing else is", "[tools][list]") {
    auto row = stopped("web");
    row.remarks = {"line 3: GRACE \"abc\" is not a time",
                   "line 4: SMP \"x\" is not a number of CPUs"};

    CHECK(render({row}, Format::Table).find("line 3: GRACE \"abc\" is not a time\n") !=
          std::string::npos);
    row.note = "by guest, 1m ago";
    CHECK(render({row}, Format::Table).find("line 3") == std::string::npos);
    CHECK(render({row}, Format::Jsonl).find("\"remarks\":[\"line 3: GRACE") != std::string::npos);
}

TEST_CASE("labels not known to be unique are printed as UUIDs, so that they pipe back in",
          "[tools][list]") {
    auto only = running("lab");
    only.label_unique = true;
    auto untypable = stopped("my vm");
    untypable.vm = vm_id(3);
    untypable.label_unique = true;

    CHECK(render({only, stopped("web"), untypable}, Format::Name) ==
          "lab\n"
          "u:00000000-0000-0000-0000-000000000002\n"
          "u:00000000-0000-0000-0000-000000000003\n");
}

TEST_CASE("csv has one header and values without decoration", "[tools][list]") {
    auto row = running("web01");
    row.age = 20s;
    row.note = "a, b";

    const auto csv = render({row}, Format::Csv);

    CHECK(csv.starts_with("label,state,worker,up,"));
    CHECK(csv.find("\nweb01,running,lab02,372,") != std::string::npos);
    CHECK(csv.find("\"a, b\"") != std::string::npos);
}

TEST_CASE("the summary counts VMs and the workers they run on", "[tools][list]") {
    CHECK(summary_of({running("a"), running("b"), stopped("c")}) == "3 VMs, 2 running on 1 worker");
    CHECK(summary_of({stopped("c")}) == "1 VM, 0 running");
}

TEST_CASE("a VM's page leaves empty blocks out and ends with commands for its state",
          "[tools][show]") {
    VmDetail detail{.row = running("web01")};
    detail.paths.push_back({.worker = worker_id(), .config = "/pool/web01/web01.ctys"});
    detail.path_workers = {"lab02"};
    detail.path_worker_states = {WorkerState::Alive};
    detail.instances.push_back({.worker = worker_id(), .state = VmState::Running});
    detail.vm.grace = 120s;
    detail.vm.settings.push_back({.key = "GRACE", .value = "120", .line = 31});
    detail.vm.on_boot = OnBoot::Start;
    detail.vm.start_after = {"db"};
    detail.vm.settings.push_back({.key = "ONBOOT", .value = "start", .line = 32});
    detail.vm.settings.push_back({.key = "STARTAFTER", .value = "db", .line = 33});
    detail.vm.settings.push_back({.key = "ONSTOP", .value = "off", .line = 34});
    detail.vm.remarks = {"line 34: ONSTOP \"off\" is not shutdown", "line 35: more"};
    fmt::memory_buffer out;

    render_detail(out, detail, {}, /*every_setting=*/false, View{.now = listed_at});

    const auto text = fmt::to_string(out);
    CHECK(text.find(
              " remarks   line 34: ONSTOP \"off\" is not shutdown\n           line 35: more\n") !=
          std::string::npos);
    CHECK(text.starts_with("web01   running on lab02 for 6m12s, tcg, seen 1.0 s ago"));
    CHECK(text.find("/pool/web01/web01.ctys  runs here") != std::string::npos);
    CHECK(text.find(" policy    grace 2m00s (web01.ctys:31)   on host stop: shutdown (default, not "
                    "\"off\" of web01.ctys:34)   on boot: start (web01.ctys:32)") !=
          std::string::npos);
    CHECK(text.find("on boot after: db (web01.ctys:33)") != std::string::npos);
    CHECK(text.find("\n keys") == std::string::npos);
    CHECK(text.find("\n events") == std::string::npos);
    CHECK(text.find(" next      ctys shutdown web01") != std::string::npos);
}
