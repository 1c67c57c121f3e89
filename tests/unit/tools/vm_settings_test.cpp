#include "tools/output/vm_detail.h"
#include "tools/output/vm_settings.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;

namespace {

VmDetail configured() {
    VmDetail detail;
    detail.paths.push_back({.config = "/pool/web/web.ctys"});
    return detail;
}

SettingLine line_named(const std::vector<SettingLine>& lines, std::string_view name) {
    for (const auto& line : lines) {
        if (line.name == name) return line;
    }
    return {};
}

RecordedEvent stopped_event() {
    RecordedEvent recorded;
    recorded.event.kind = EventKind::Stopped;
    recorded.event.old_state = VmState::Running;
    recorded.event.new_state = VmState::Stopped;
    recorded.event.text = "by guest, after 2.1 s";
    return recorded;
}

} // namespace

TEST_CASE("each setting is shown with the line it comes from", "[tools][show]") {
    auto detail = configured();
    detail.vm.memory_mb = 512;
    detail.vm.macs = {"00:50:56:16:11:0b"};
    detail.vm.settings = {{.key = "MEMSIZE", .value = "512", .line = 8},
                          {.key = "MAC0", .value = "00:50:56:16:11:0B", .line = 6}};

    const auto lines = setting_lines(detail);

    CHECK(line_named(lines, "memory") == SettingLine{"memory", "512 MB", "line 8"});
    CHECK(line_named(lines, "mac") == SettingLine{"mac", "00:50:56:16:11:0b", "line 6"});
}

TEST_CASE("what another file says is shown with its name and line", "[tools][show]") {
    auto detail = configured();
    detail.vm.memory_mb = 64;
    detail.vm.grace = std::chrono::seconds{90};
    detail.vm.settings = {{.key = "MEMSIZE", .value = "64", .line = 3, .file = "lab.conf"},
                          {.key = "GRACE", .value = "90", .line = 5, .file = "lab.conf"},
                          {.key = "ONBOOT", .value = "no"}};
    fmt::memory_buffer page;
    render_detail(page, detail, {}, /*every_setting=*/true, View{});
    fmt::memory_buffer object;
    JsonWriter json(object);
    append_detail_json(json, detail, {});

    CHECK(line_named(setting_lines(detail), "memory") ==
          SettingLine{"memory", "64 MB", "lab.conf, line 3"});
    const auto text = fmt::to_string(page);
    CHECK(text.find("grace 1m30s (lab.conf:5)") != std::string::npos);
    CHECK(text.find("on boot: no (derived)") != std::string::npos);
    CHECK(text.find("MEMSIZE = 64   (lab.conf, line 3)\n") != std::string::npos);
    CHECK(fmt::to_string(object).find(
              R"("key":"MEMSIZE","value":"64","line":3,"file":"lab.conf"})") != std::string::npos);
}

TEST_CASE("what a configuration leaves out is shown as the default of a start", "[tools][show]") {
    const auto lines = setting_lines(configured());

    CHECK(line_named(lines, "memory").value == "128 MB");
    CHECK(line_named(lines, "cpus").value == "1");
    CHECK(line_named(lines, "arch").value == "x86_64");
    CHECK(line_named(lines, "accelerator").value == "tcg");
    CHECK(line_named(lines, "display").value == "none");
    CHECK(line_named(lines, "memory").origin.starts_with("default"));
}

TEST_CASE("a process without a configuration shows what its command line says", "[tools][show]") {
    VmDetail detail;
    detail.instances.push_back({.state = VmState::Running,
                                .accelerator = "kvm",
                                .image = "/images/disk.img",
                                .display = ":7",
                                .cport = 5907,
                                .memory_mb = 256});

    const auto lines = setting_lines(detail);

    CHECK(line_named(lines, "memory") == SettingLine{"memory", "256 MB", "command line"});
    CHECK(line_named(lines, "accelerator").value == "kvm");
    CHECK(line_named(lines, "display").value == "vnc :7 (port 5907)");
    CHECK(line_named(lines, "cpus").name.empty());
    CHECK(disk_lines(detail) ==
          std::vector<DiskLine>{{"image", "/images/disk.img", "command line"}});
}

TEST_CASE("images are listed with their format and how they are opened", "[tools][show]") {
    auto detail = configured();
    detail.vm.settings = {{.key = "HDDBOOTIMAGE", .value = "/pool/web/web.img", .line = 9},
                          {.key = "IMAGEFORMAT", .value = "qcow2", .line = 10},
                          {.key = "SNAPSHOT", .value = "on", .line = 11},
                          {.key = "CDROM", .value = "", .line = 12}};

    CHECK(disk_lines(detail) ==
          std::vector<DiskLine>{{"HDDBOOTIMAGE",
                                 "/pool/web/web.img",
                                 "qcow2, snapshot: writes are thrown away, line 9"}});
}

TEST_CASE("a VM's page names its carriers, its lease and its last events", "[tools][show]") {
    auto detail = configured();
    detail.row.label = "web";
    detail.row.worker_name = "lab02";
    detail.lease = Lease{.token = 7, .phase = Lease::Phase::Running};
    detail.lease_worker = "lab02";
    fmt::memory_buffer out;

    render_detail(out,
                  detail,
                  {.carriers = {"rack1", "lab02"}, .carries = {}, .events = {stopped_event()}},
                  /*every_setting=*/false,
                  View{});

    const auto text = fmt::to_string(out);
    CHECK(text.find(" stack     carried by rack1 > lab02; carries nothing\n") != std::string::npos);
    CHECK(text.find(" lease     held by lab02, token 7\n") != std::string::npos);
    CHECK(text.find("running -> stopped  by guest, after 2.1 s\n") != std::string::npos);
}

TEST_CASE("json of a VM keeps a path's worker and its state apart", "[tools][show]") {
    auto detail = configured();
    detail.path_workers = {"lab07"};
    detail.path_worker_states = {WorkerState::Lost};
    fmt::memory_buffer out;
    JsonWriter json(out);

    append_detail_json(json, detail, {.carriers = {"lab07"}, .carries = {}, .events = {}});

    const auto text = fmt::to_string(out);
    CHECK(text.find(R"("worker":"lab07")") != std::string::npos);
    CHECK(text.find(R"("worker_state":"lost")") != std::string::npos);
    CHECK(text.find(R"("stack":{"carried_by":["lab07"],"carries":[]},"events":[])") !=
          std::string::npos);
}
