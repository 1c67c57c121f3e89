#include "tools/output/stack_tree.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::tools;
using namespace std::chrono_literals;

namespace {

const WallTime noon = *WallTime::parse("2026-03-01T12:00:00Z");

Uuid uuid(const std::string& name) {
    return Uuid::from_name(ctys_namespace(), name);
}

VmRow row(const std::string& label, const std::string& on) {
    VmRow row{.vm = {uuid(label)}, .label = label, .worker = {uuid("on " + on)}};
    row.worker_name = on;
    row.state = VmState::Running;
    row.owner = Owner::Ctys;
    row.started = noon - 90s;
    return row;
}

WorkerRecord worker(const std::string& name, const std::string& inside = {}) {
    WorkerRecord record;
    record.id = {uuid("on " + name)};
    record.name = name;
    record.boot = {uuid("boot " + name)};
    if (!inside.empty()) record.platform = uuid(inside);
    record.last_seen = noon - 1s;
    record.accelerators = {{.name = "tcg", .usable = true, .why = {}}};
    return record;
}

StackPicture picture() {
    auto by_hand = row("byhand", "rack");
    by_hand.owner = Owner::ByHand;
    return picture_of({row("lab", "rack"),
                       row("cache", "lab"),
                       row("db", "agent7"),
                       by_hand,
                       row("sensor", "agent7")},
                      {worker("rack"), worker("lab", "lab"), worker("agent7", "cache")});
}

template <typename Render>
std::string text_of(Render render) {
    fmt::memory_buffer out;
    render(out);
    return {out.data(), out.size()};
}

} // namespace

TEST_CASE("a stack is a tree of workers and VMs", "[tools][stack]") {
    const auto text = text_of([](auto& out) { render_stack(out, picture(), {}, {.now = noon}); });

    CHECK(text == "rack             worker         tcg   seen 1.0 s\n"
                  "├─ byhand        running 1m30s  by hand\n"
                  "└─ lab           running 1m30s  VM and worker, seen 1.0 s\n"
                  "   └─ cache      running 1m30s  VM and worker agent7, seen 1.0 s\n"
                  "      ├─ db      running 1m30s\n"
                  "      └─ sensor  running 1m30s\n");
}

TEST_CASE("a tree can begin at one VM or worker, in plain ASCII", "[tools][stack]") {
    const View ascii{.utf8 = false, .now = noon};
    const auto of_vm = text_of([&](auto& out) {
        render_stack(out, picture(), {.worker = {}, .vm = {uuid("cache")}}, ascii);
    });
    const auto of_worker = text_of([&](auto& out) {
        render_stack(out, picture(), {.worker = {uuid("on lab")}, .vm = {}}, ascii);
    });

    CHECK(of_vm == "cache      running 1m30s  VM and worker agent7, seen 1.0 s\n"
                   "|- db      running 1m30s\n"
                   "`- sensor  running 1m30s\n");
    CHECK(of_worker.find("lab") == 0);
    CHECK(of_worker.find("rack") == std::string::npos);
}

TEST_CASE("a carrier that does not run is shown with the machines inside", "[tools][stack]") {
    auto asleep = row("lab", "");
    asleep.worker = {};
    asleep.worker_name.clear();
    asleep.state = VmState::Suspended; // and no process: to disk
    auto stopped = row("old", "");
    stopped.worker = {};
    stopped.state = VmState::Stopped;
    auto frozen = row("cache", "lab");
    frozen.state = VmState::Frozen;
    frozen.pid = 7;
    auto plain = stopped;
    plain.vm = {uuid("plain")};
    plain.label = "plain";
    auto inside = worker("lab", "lab");
    inside.state = WorkerState::Paused;
    inside.state_since = noon - 60s;
    auto lost = worker("old", "old");
    lost.state = WorkerState::Lost;
    lost.state_since = noon - 90s;
    const auto picture =
        picture_of({asleep, stopped, frozen, plain}, {worker("rack"), inside, lost});

    CHECK(text_of([&](auto& out) { render_stack(out, picture, {}, {.now = noon}); }) ==
          "rack      worker        tcg   seen 1.0 s\n"
          "lab       suspended     VM and worker, paused since 1m00s\n"
          "└─ cache  frozen 1m30s\n"
          "old       stopped       VM and worker, lost since 1m30s\n");
    const auto json = text_of([&](auto& out) {
        JsonWriter writer(out);
        append_stack_json(writer, picture, {});
    });
    CHECK(json.find(R"("resting":[{"label":"lab")") != std::string::npos);
    CHECK(json.find(R"("label":"old")") != std::string::npos);
    CHECK(json.find("plain") == std::string::npos);
    const auto dot = text_of([&](auto& out) { render_stack_dot(out, picture, {}); });
    CHECK(dot.find(R"([label="lab: suspended"])") != std::string::npos);
    CHECK(dot.find("->") != std::string::npos);
}

TEST_CASE("what is no stack is told below the tree", "[tools][stack]") {
    const auto loop = picture_of({row("x", "x")}, {worker("x", "x")});

    const auto text = text_of([&](auto& out) { render_stack(out, loop, {}, {.now = noon}); });
    const auto json = text_of([&](auto& out) {
        JsonWriter writer(out);
        append_stack_json(writer, loop, {});
    });

    CHECK(text.find("not taken for a stack: x would carry itself\n") != std::string::npos);
    CHECK(json.find(
              R"("problems":[{"kind":"loop","workers":["x"],"text":"x would carry itself"}])") !=
          std::string::npos);
}

TEST_CASE("a stack in JSON is nested as the machines are", "[tools][stack]") {
    const auto json = text_of([](auto& out) {
        JsonWriter writer(out);
        append_stack_json(writer, picture(), {});
    });

    CHECK(json.find(R"({"workers":[{"worker":"rack")") == 0);
    CHECK(json.find(R"("label":"lab")") < json.find(R"({"worker":"lab")"));
    CHECK(json.find(R"({"worker":"agent7")") < json.find(R"("label":"sensor")"));
    CHECK(json.find(R"("problems":[]})") != std::string::npos);
}

TEST_CASE("a graph for dot names every edge once and quotes labels", "[tools][stack]") {
    auto odd = row("a", "rack");
    odd.label = "a\"b\\c";
    const auto text =
        text_of([&](auto& out) { render_stack_dot(out, picture_of({odd}, {worker("rack")}), {}); });

    CHECK(text.find("digraph stacks {\n") == 0);
    CHECK(text.find(R"([label="a\"b\\c"];)") != std::string::npos);
    std::size_t edges = 0;
    for (auto at = text.find("->"); at != std::string::npos; at = text.find("->", at + 1)) {
        ++edges;
    }
    CHECK(edges == 1);
}

TEST_CASE("names that would move the cursor or break the line are shown as text",
          "[tools][stack]") {
    auto odd = row("odd", "rack");
    odd.label = "a\nb\x1b[2Jc\xc2\x9b";
    odd.note = "x\ry";
    auto rack = worker("rack");
    rack.name = "r\x07\n";
    const auto hostile = picture_of({odd}, {rack});
    const auto is_clean = [](const std::string& text) {
        return std::none_of(text.begin(), text.end(), [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
        });
    };
    const auto tree = text_of([&](auto& out) { render_stack(out, hostile, {}, {.now = noon}); });
    const auto dot = text_of([&](auto& out) { render_stack_dot(out, hostile, {}); });
    const auto json = text_of([&](auto& out) {
        JsonWriter writer(out);
        append_stack_json(writer, hostile, {});
    });

    CHECK(std::count(tree.begin(), tree.end(), '\n') == 2);
    CHECK(tree.find("a?b?[2Jc?") != std::string::npos);
    CHECK(is_clean(tree));
    CHECK(is_clean(dot));
    CHECK(is_clean(json));
    CHECK(json.find('\n') == std::string::npos);
}
