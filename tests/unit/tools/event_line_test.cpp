#include "tools/output/event_line.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::tools;

namespace {

RecordedEvent stopped_event() {
    RecordedEvent recorded;
    recorded.cursor = {.epoch = 1, .sequence = 40214};
    recorded.recorded = *WallTime::parse("2026-03-01T14:02:08.204Z");
    auto& event = recorded.event;
    event.kind = EventKind::Stopped;
    event.time = *WallTime::parse("2026-03-01T14:02:08.203Z");
    event.worker_name = "l2db";
    event.vm.uuid.bytes[15] = 1;
    event.label = "sensor";
    event.old_state = VmState::Running;
    event.new_state = VmState::Stopped;
    event.by = "guest";
    event.evidence = "qmp";
    event.text = "after 2.1 s";
    event.action.value = 0x81d0b20000000000;
    return recorded;
}

std::string line_of(const RecordedEvent& recorded, View view = {}) {
    view.now = recorded.recorded;
    fmt::memory_buffer out;
    EventLines lines;
    lines.append(out, recorded, view);
    return fmt::to_string(out);
}

} // namespace

TEST_CASE("an event is one line with time, VM, change, worker, why and cursor", "[tools][events]") {
    CHECK(line_of(stopped_event()) == "14:02:08.203  sensor    running -> stopped  l2db    "
                                      "by guest, after 2.1 s (qmp, a-81d0b2)  1-40214\n");
}

TEST_CASE("on a terminal the reason is cut so that the cursor stays on the line",
          "[tools][events]") {
    auto event = stopped_event();
    event.event.text = std::string(300, 'x');

    const auto line = line_of(event, View{.width = 100});

    CHECK(line.size() == 100 + 1 + 2); // the newline, and two more bytes of the one ellipsis
    CHECK(line.ends_with("  1-40214\n"));
}

TEST_CASE("an event that changes no state is named by its kind", "[tools][events]") {
    auto event = stopped_event().event;
    event.kind = EventKind::Stopping;
    event.new_state = VmState::Stopping;

    CHECK(what_text(event) == "stopping");
}

TEST_CASE("words of an event that carry control characters stay on their line", "[tools][events]") {
    auto event = stopped_event();
    event.event.text = "one\ntwo\x1b[2J";

    const auto line = line_of(event);

    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.find('\x1b') == std::string::npos);
}

TEST_CASE("json of an event has the documented members and keeps foreign data", "[tools][events]") {
    auto event = stopped_event();
    event.event.data = {{"exit\"code", "0"}};
    fmt::memory_buffer out;
    JsonWriter json(out);

    append_event_json(json, event);

    const auto text = fmt::to_string(out);
    CHECK(text.find(R"("cursor":"1-40214")") != std::string::npos);
    CHECK(text.find(R"("time":"2026-03-01T14:02:08.203000Z")") != std::string::npos);
    CHECK(text.find(R"("recorded":"2026-03-01T14:02:08.204000Z")") != std::string::npos);
    CHECK(text.find(R"("topic":"vm/00000000-0000-0000-0000-000000000001/stopped/")") !=
          std::string::npos);
    for (const auto* key : {"kind", "worker", "vm", "label", "by", "evidence", "data"}) {
        INFO(key);
        CHECK(text.find(fmt::format("\"{}\":", key)) != std::string::npos);
    }
    CHECK(text.find(R"("data":{"exit\"code":"0"})") != std::string::npos);
}

TEST_CASE("a gap is a line in words, and an object in json", "[tools][events]") {
    const msg::Gap gap{.from = {1, 400}, .to = {1, 612}, .reason = "past retention"};
    fmt::memory_buffer text;
    fmt::memory_buffer object;
    JsonWriter json(object);
    EventLines lines;

    lines.append(text, gap, View{});
    append_gap_json(json, gap);

    CHECK(fmt::to_string(text) == "-- gap 1-400..1-612: past retention --\n");
    CHECK(fmt::to_string(object) ==
          R"({"gap":{"from":"1-400","to":"1-612","reason":"past retention"}})");
}

TEST_CASE("who ended a VM is said once, also where the reason has the same word",
          "[tools][events]") {
    auto event = stopped_event().event;
    event.evidence.clear();
    event.action = {};

    event.text = "guest-shutdown";
    CHECK(why_text(event) == "by guest, guest-shutdown");
    event.text = "ended by guest";
    CHECK(why_text(event) == "ended by guest");
    event.by = "power button";
    event.text = "power button";
    CHECK(why_text(event) == "power button");
    event.by = "by hand";
    event.text = "pid 7";
    CHECK(why_text(event) == "by hand, pid 7");
}
