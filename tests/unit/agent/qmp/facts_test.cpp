#include "agent/qmp/facts.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qmp;

namespace {

Value json(std::string_view text) {
    return Value::parse(text).value();
}

} // namespace

TEST_CASE("each run state of QEMU has one meaning", "[qmp]") {
    struct Row {
        std::string status;
        VmState state;
        std::string reason;
    };
    const auto row = GENERATE(values<Row>({
        {"running", VmState::Running, ""},
        {"paused", VmState::Paused, ""},
        {"prelaunch", VmState::Starting, ""},
        {"inmigrate", VmState::Starting, "inmigrate"},
        {"restore-vm", VmState::Paused, "restoring"},
        {"suspended", VmState::Suspended, ""},
        {"shutdown", VmState::Stopping, "shutdown"},
        {"io-error", VmState::Paused, "io-error"},
        {"internal-error", VmState::Paused, "internal-error"},
        {"guest-panicked", VmState::Paused, "panicked"},
        {"watchdog", VmState::Paused, "watchdog"},
        {"debug", VmState::Paused, "debug"},
        {"save-vm", VmState::Paused, "saving"},
        {"finish-migrate", VmState::Paused, "migrating"},
        {"postmigrate", VmState::Paused, "migrated"},
        {"colo", VmState::Running, ""},
        {"of-tomorrow", VmState::Unknown, "of-tomorrow"},
    }));
    CAPTURE(row.status);
    CHECK(state_of_status(row.status) == StateReason{row.state, row.reason});
}

TEST_CASE("events move the state and keep the reason of a stop", "[qmp]") {
    const StateReason running{VmState::Running, ""};
    const auto after = [](std::string name, std::string_view data, const StateReason& before) {
        return state_after({.name = std::move(name), .data = json(data), .at = {}}, before);
    };

    CHECK(after("STOP", "null", running) == StateReason{VmState::Paused, ""});
    CHECK(after("RESUME", "null", {VmState::Paused, "io-error"}) == running);
    CHECK(after("SUSPEND", "null", running) == StateReason{VmState::Suspended, ""});
    CHECK(after("WAKEUP", "null", {VmState::Suspended, ""}) == running);
    CHECK(after("SHUTDOWN", R"({"guest":true,"reason":"guest-shutdown"})", running) ==
          StateReason{VmState::Stopping, "guest-shutdown"});
    CHECK(after("STOP", "null", {VmState::Stopping, "guest-shutdown"}) ==
          StateReason{VmState::Stopping, "guest-shutdown"});
    CHECK(after("BLOCK_IO_ERROR", R"({"action":"stop"})", running) ==
          StateReason{VmState::Paused, "io-error"});
    CHECK(after("STOP", "null", {VmState::Paused, "io-error"}) ==
          StateReason{VmState::Paused, "io-error"});
    CHECK_FALSE(after("BLOCK_IO_ERROR", R"({"action":"report"})", running));
    CHECK(after("GUEST_PANICKED", R"({"action":"pause"})", running) ==
          StateReason{VmState::Paused, "panicked"});
    CHECK_FALSE(after("POWERDOWN", "null", running));
    CHECK_FALSE(after("RTC_CHANGE", R"({"offset":1})", running));
}

TEST_CASE("the answers of a monitor become facts", "[qmp]") {
    QmpFacts facts;
    absorb(facts,
           "query-status",
           json(R"({"status":"prelaunch","singlestep":false,"running":false})"));
    absorb(facts, "query-name", json(R"({"name":"web"})"));
    absorb(facts, "query-uuid", json(R"({"UUID":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"})"));
    absorb(
        facts, "query-version", json(R"({"qemu":{"micro":9,"minor":2,"major":7},"package":"D"})"));
    absorb(facts, "query-kvm", json(R"({"enabled":false,"present":true})"));
    absorb(facts, "query-block", json(R"([{"device":"virtio0","qdev":"/m/d","removable":false,
        "io-status":"ok","inserted":{"file":"disk.qcow2","drv":"qcow2","ro":true,
        "node-name":"#block185"}},
        {"device":"ide1-cd0","removable":true}])"));
    absorb(facts, "query-cpus-fast", json(R"([{"cpu-index":0},{"cpu-index":1}])"));
    absorb(facts,
           "query-chardev",
           json(R"([{"label":"mon","filename":"unix:/x","frontend-open":true}])"));
    absorb(facts,
           "query-vnc",
           json(R"({"enabled":true,"host":"127.0.0.1","service":"5907","family":"ipv4"})"));

    CHECK(facts.state.state == VmState::Starting);
    CHECK_FALSE(facts.running);
    CHECK(facts.name == "web");
    CHECK(facts.uuid->to_string() == "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    CHECK(facts.version == "7.2.9");
    CHECK(facts.accelerator == "tcg");
    REQUIRE(facts.blocks.size() == 2);
    CHECK(facts.blocks[0] == BlockDevice{.device = "virtio0",
                                         .qdev = "/m/d",
                                         .file = "disk.qcow2",
                                         .driver = "qcow2",
                                         .read_only = true,
                                         .io_status = "ok",
                                         .node = "#block185"});
    CHECK(facts.blocks[1].removable);
    CHECK(facts.vcpus == 2);
    CHECK(facts.chardevs == std::vector<Chardev>{{"mon", "unix:/x", true}});
    CHECK(facts.vnc == "127.0.0.1:7");
}

TEST_CASE("a disk under -snapshot is known as temporary", "[qmp]") {
    QmpFacts facts;
    absorb(facts, "query-block", json(R"([{"device":"ide0-hd0","inserted":{"drv":"qcow2","ro":false,
        "node-name":"#block621",
        "file":"json:{\"driver\": \"qcow2\", \"file\": {\"filename\": \"/var/tmp/vl.Z7VCZ3\"}}"}},
        {"device":"ide0-hd1","inserted":{"drv":"qcow2","ro":false,"file":"/vm/vl.d/a.qcow2"}}])"));

    REQUIRE(facts.blocks.size() == 2);
    CHECK(is_temporary(facts.blocks[0]));
    CHECK_FALSE(is_temporary(facts.blocks[1]));
}

TEST_CASE("jobs are told with their state and error", "[qmp]") {
    const auto jobs = jobs_of(json(R"([{"id":"s0","status":"concluded","type":"snapshot-save",
        "error":"No space left on device"},{"id":"s1","status":"running"}])"));

    CHECK(jobs ==
          std::vector<Job>{{"s0", "concluded", "No space left on device"}, {"s1", "running", ""}});
    CHECK(jobs_of(json("7")).empty());
}

TEST_CASE("a UUID of zeros is none", "[qmp]") {
    QmpFacts facts;
    absorb(facts, "query-uuid", json(R"({"UUID":"00000000-0000-0000-0000-000000000000"})"));
    CHECK_FALSE(facts.uuid);
}

TEST_CASE("a VNC server is named as -vnc names it", "[qmp]") {
    QmpFacts facts;
    absorb(facts,
           "query-vnc",
           json(R"({"enabled":true,"host":"/run/vnc","service":"","family":"unix"})"));
    CHECK(facts.vnc == "unix:/run/vnc");
    absorb(facts,
           "query-vnc",
           json(R"({"enabled":true,"host":"","service":"/run/vnc.sock","family":"unix"})"));
    CHECK(facts.vnc == "unix:/run/vnc.sock");
    absorb(facts,
           "query-vnc",
           json(R"({"enabled":true,"host":"0.0.0.0","service":"80","family":"ipv4"})"));
    CHECK(facts.vnc.empty());
}

TEST_CASE("answers of the wrong shape leave facts empty", "[qmp]") {
    const auto answer =
        json(GENERATE(as<std::string>{}, "null", "7", "\"x\"", "[1,[2]]", "{\"a\":[]}"));
    for (const auto command : fact_commands()) {
        QmpFacts facts;
        absorb(facts, command, answer);
        CHECK(facts.name.empty());
        CHECK_FALSE(facts.uuid);
        CHECK(facts.vnc.empty());
    }
}

TEST_CASE("a drive tells its tray, where it has one, and its lock", "[qmp]") {
    QmpFacts facts;
    absorb(facts, "query-block", json(R"([
        {"device": "ide2-cd0", "qdev": "/machine/cd", "removable": true, "locked": true,
         "tray_open": false, "inserted": {"file": "/iso/a.iso", "drv": "raw", "ro": true}},
        {"device": "floppy0", "qdev": "/machine/fd", "removable": true, "locked": false}])"));

    REQUIRE(facts.blocks.size() == 2);
    CHECK(facts.blocks[0].tray_open == false);
    CHECK(facts.blocks[0].locked);
    CHECK(facts.blocks[0].file == "/iso/a.iso");
    CHECK_FALSE(facts.blocks[1].tray_open);
    CHECK_FALSE(facts.blocks[1].locked);
    CHECK(facts.blocks[1].file.empty());
}

TEST_CASE("a disk tells the snapshots in its image", "[qmp]") {
    QmpFacts facts;
    absorb(facts, "query-block", json(R"([{"device": "ide0-hd0", "inserted": {"drv": "qcow2",
        "image": {"snapshots": [
            {"id": "1", "name": "one", "vm-state-size": 4096, "date-sec": 1700000000},
            {"id": "2", "name": "cold", "vm-state-size": 0, "date-sec": -5}]}}},
        {"device": "ide0-hd1", "inserted": {"drv": "raw", "image": {}}}])"));

    REQUIRE(facts.blocks.size() == 2);
    const std::vector<ImageSnapshot> wanted{
        {.name = "one", .at = {1'700'000'000'000'000}, .state_bytes = 4096},
        {.name = "cold", .at = {0}, .state_bytes = 0}};
    CHECK(facts.blocks[0].snapshots == wanted);
    CHECK(facts.blocks[1].snapshots.empty());
}
