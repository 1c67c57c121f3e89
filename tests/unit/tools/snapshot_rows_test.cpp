#include "tools/output/snapshot_rows.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;
using namespace std::chrono_literals;

namespace {

const WallTime snapshots_listed_at = *WallTime::parse("2026-03-01T12:00:00Z");

VmDetail vm_with_snapshots() {
    VmDetail detail;
    detail.row.label = "web";
    detail.row.worker_name = "lab02";
    InstanceRecord live{.state = VmState::Running};
    live.snapshots = {
        {.name = "before-upgrade",
         .at = snapshots_listed_at - 90s,
         .state_bytes = 3 * 1024 * 1024 + 1,
         .is_whole = true},
        {.name = "part", .at = snapshots_listed_at - 2s, .state_bytes = 1},
        {.name = "cold", .at = snapshots_listed_at - 1s},
    };
    detail.instances = {live};
    return detail;
}

std::string render_snapshots(Format format) {
    fmt::memory_buffer out;
    render_rows(out,
                snapshot_rows(vm_with_snapshots()).value(),
                format,
                View{.now = snapshots_listed_at},
                snapshot_listing());
    return fmt::to_string(out);
}

} // namespace

TEST_CASE("snapshots are listed with age, size and what is wrong with them", "[tools][snapshot]") {
    const auto text = render_snapshots(Format::Table);
    CAPTURE(text);
    CHECK(text.starts_with("NAME            SAVED"));
    CHECK(text.find("before-upgrade  1m30s ago   4 MB  -\n") != std::string::npos);
    CHECK(text.find("not on every disk") != std::string::npos);
    CHECK(text.find("without memory") != std::string::npos);
    CHECK(render_snapshots(Format::Name) == "before-upgrade\npart\ncold\n");
}

TEST_CASE("in json a snapshot has its time, its size and whether it is whole",
          "[tools][snapshot]") {
    CHECK(render_snapshots(Format::Jsonl)
              .find(R"("name":"before-upgrade","saved":"2026-03-01T11:58:30.000000Z",)"
                    R"("state_bytes":3145729,"whole":true,"note":null})") != std::string::npos);
}

TEST_CASE("a VM that does not run tells nothing of its snapshots", "[tools][snapshot]") {
    auto detail = vm_with_snapshots();
    detail.instances[0].state = VmState::Stopped;

    CHECK(snapshot_rows(detail).error().code == ErrorCode::Conflict);
}
