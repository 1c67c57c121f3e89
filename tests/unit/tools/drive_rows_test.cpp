#include "tools/output/drive_rows.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;
using namespace std::chrono_literals;

namespace {

VmDetail vm_with_drives() {
    VmDetail detail;
    detail.row.label = "web";
    detail.row.worker_name = "lab02";
    detail.row.age = 1500ms;
    InstanceRecord before{.state = VmState::Stopped};
    InstanceRecord live{.state = VmState::Paused};
    live.drives = {
        {.name = "ide2-cd0", .image = "/iso/a.iso", .has_tray = true, .is_locked = true},
        {.name = "sd1", .has_tray = true, .is_open = true},
        {.name = "floppy0", .image = "/pool/boot.img"},
    };
    detail.instances = {before, live};
    return detail;
}

std::string render_drives(Format format) {
    fmt::memory_buffer out;
    render_rows(out, drive_rows(vm_with_drives()).value(), format, View{}, drive_listing());
    return fmt::to_string(out);
}

} // namespace

TEST_CASE("drives are listed with tray, lock and medium", "[tools][media]") {
    CHECK(render_drives(Format::Table) == "DRIVE     TRAY    LOCKED  MEDIUM\n"
                                          "ide2-cd0  closed  yes     /iso/a.iso\n"
                                          "sd1       open    no      -\n"
                                          "floppy0   -       no      /pool/boot.img\n");
    CHECK(render_drives(Format::Name) == "ide2-cd0\nsd1\nfloppy0\n");
}

TEST_CASE("in json an empty drive has no image, and every row its age", "[tools][media]") {
    const auto text = render_drives(Format::Jsonl);
    CHECK(text.find(R"({"vm":"web","worker":"lab02","age_s":1.500,"drive":"ide2-cd0",)"
                    R"("tray":"closed","locked":true,"image":"/iso/a.iso"})") == 0);
    CHECK(text.find(R"("drive":"sd1","tray":"open","locked":false,"image":null)") !=
          std::string::npos);
    CHECK(text.find(R"("drive":"floppy0","tray":"none")") != std::string::npos);
}

TEST_CASE("a VM that does not run tells nothing of its drives", "[tools][media]") {
    auto detail = vm_with_drives();
    detail.instances.pop_back();

    CHECK(drive_rows(detail).error().code == ErrorCode::Conflict);
}
