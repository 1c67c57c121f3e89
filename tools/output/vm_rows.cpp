#include "tools/output/vm_rows.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>

namespace ctys::tools {

namespace {

constexpr Duration fresh = std::chrono::seconds{5};

std::string number_or_none(std::uint64_t number) {
    return number == 0 ? std::string{} : std::to_string(number);
}

// The broker's note comes last and may have said the same in its own words.
std::string note_of(const VmRow& row, const View& view) {
    std::vector<std::string> parts;
    const auto says = [&](std::string_view word) {
        return row.note.find(word) != std::string::npos;
    };
    if (row.conflict && !says("CONFLICT")) parts.emplace_back("CONFLICT: runs more than once");
    if (!row.reason.empty()) parts.push_back(row.reason);
    if (row.worker_state == WorkerState::Lost && !row.worker.is_none() && !view.plain &&
        !says(" lost ")) {
        parts.push_back(fmt::format(
            "{} lost {}", row.worker_name, clock_text(view.now - row.age, Grain::Minute, view)));
    }
    if (row.path_health != PathHealth::Good && row.paths > 0 && !says("path"))
        parts.push_back(fmt::format("paths {}", to_string(row.path_health)));
    if (!row.note.empty()) parts.push_back(row.note);
    // What happens now goes before what the configuration lacks.
    if (parts.empty() && !row.remarks.empty()) parts.push_back(row.remarks.front());
    return fmt::format("{}", fmt::join(parts, ", "));
}

Cell note_cell(const VmRow& row, const View& view) {
    return {note_of(row, view), row.conflict ? Tone::Bad : Tone::Plain};
}

Cell state_cell(const VmRow& row, const View& view) {
    if (view.plain) return {std::string{to_string(row.state)}};
    return {state_text(row), row.age > fresh ? Tone::Warn : tone_of(row.state)};
}

std::string up_text(const VmRow& row, const View& view) {
    if (!is_live(row) || row.started.is_none()) return {};
    const auto up = view.now - row.started;
    return view.plain ? std::to_string(std::max<std::int64_t>(up.count(), 0) / 1000000)
                      : to_short_text(up);
}

std::string time_text(WallTime at, const View& view) {
    if (at.is_none()) return {};
    return view.plain ? at.to_rfc3339() : clock_text(at, Grain::Second, view);
}

std::vector<Column> vm_columns(bool wide) {
    std::vector<Column> out{{"LABEL"},
                            {"STATE"},
                            {"WORKER"},
                            {"UP", Align::Right},
                            {"ADDRESS"},
                            {"ACCEL"},
                            {"OWNER"},
                            {"PATHS", Align::Right}};
    if (wide) {
        for (const auto* title : {"UUID", "TYPE", "ARCH"})
            out.push_back({title});
        for (const auto* title : {"MEM", "VCPU", "PID"})
            out.push_back({title, Align::Right});
        for (const auto* title : {"USER", "SINCE", "SEEN", "MAC", "DISPLAY", "CPORT", "SPORT"})
            out.push_back({title});
        out.push_back({"CONFIG"});
    }
    out.push_back({"NOTE"});
    return out;
}

std::vector<Cell> cells(const VmRow& row, bool wide, const View& view) {
    const bool runs_somewhere = !row.worker_name.empty();
    std::vector<Cell> out{Cell{row.label},
                          state_cell(row, view),
                          Cell{row.worker_name},
                          Cell{up_text(row, view)},
                          Cell{row.ip},
                          Cell{row.accelerator},
                          Cell{std::string{to_string(row.owner)}},
                          Cell{number_or_none(row.paths)}};
    if (wide) {
        const auto seen =
            view.plain ? std::to_string(row.age.count() / 1000000) : to_short_text(row.age);
        for (auto text : {row.vm.to_string(),
                          row.type,
                          row.arch,
                          number_or_none(row.memory_mb),
                          number_or_none(row.vcpus),
                          number_or_none(row.pid),
                          row.user,
                          time_text(row.since, view),
                          runs_somewhere ? seen : std::string{},
                          row.mac,
                          row.display,
                          number_or_none(row.cport),
                          row.console,
                          row.config}) {
            out.emplace_back(std::move(text));
        }
    }
    out.push_back(note_cell(row, view));
    return out;
}

void json(JsonWriter& out, const VmRow& row) {
    out.begin_object();
    append_vm_members(out, row);
    out.end_object();
}

// Only a label that the broker calls unique finds this VM again, and only if it can be typed.
std::vector<std::string> names(const std::vector<VmRow>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows) {
        const bool bare = row.vm.is_none() || (row.label_unique && is_label(row.label));
        out.push_back(bare ? row.label : "u:" + row.vm.to_string());
    }
    return out;
}

} // namespace

const Listing<VmRow>& vm_listing() {
    static constexpr Listing<VmRow> listing{vm_columns, cells, json, names};
    return listing;
}

void sort_for_people(std::vector<VmRow>& rows) {
    std::sort(rows.begin(), rows.end(), [](const VmRow& a, const VmRow& b) {
        const bool a_rests = !is_live(a);
        const bool b_rests = !is_live(b);
        return std::tie(a_rests, a.label, a.vm) < std::tie(b_rests, b.label, b.vm);
    });
}

std::string state_text(const VmRow& row) {
    const auto state = to_string(row.state);
    if (row.age <= fresh || row.worker.is_none()) return std::string{state};
    return fmt::format("{} ({} ago)", state, to_short_text(row.age));
}

Tone tone_of(VmState state) {
    switch (state) {
    case VmState::Running:
        return Tone::Good;
    case VmState::Unknown:
        return Tone::Bad;
    case VmState::Starting:
    case VmState::Paused:
    case VmState::Frozen:
    case VmState::Suspended:
    case VmState::Stopping:
        return Tone::Warn;
    case VmState::Stopped:
    case VmState::Gone:
        return Tone::Dim;
    }
    return Tone::Plain;
}

std::string summary_of(const std::vector<VmRow>& rows) {
    std::set<WorkerId> workers;
    std::size_t running = 0;
    for (const auto& row : rows) {
        if (!is_live(row)) continue;
        ++running;
        if (!row.worker.is_none()) workers.insert(row.worker);
    }
    auto text =
        fmt::format("{} VM{}, {} running", rows.size(), rows.size() == 1 ? "" : "s", running);
    if (!workers.empty())
        text += fmt::format(" on {} worker{}", workers.size(), workers.size() == 1 ? "" : "s");
    return text;
}

void append_vm_members(JsonWriter& out, const VmRow& row) {
    out.member("label", row.label);
    out.member("uuid", row.vm);
    out.member_or_null("worker", row.worker_name);
    out.key("worker_state");
    row.worker.is_none() ? out.null() : out.value(to_string(row.worker_state));
    out.member("state", to_string(row.state));
    out.member("reason", row.reason);
    out.member("managed", row.managed);
    out.member("conflict", row.conflict);
    out.member_or_null("owner", row.owner == Owner::Unknown ? "" : to_string(row.owner));
    out.member("age_s", row.age);
    out.member("since", row.since);
    out.member("started", row.started);
    out.member("paths", row.paths);
    out.member("path_health", to_string(row.path_health));
    out.member("note", row.note);
    out.member("user", row.user);
    out.member("memory_mb", row.memory_mb);
    out.member("vcpus", row.vcpus);
    // The 22 LIST fields that are not above, in the original's order and words.
    out.member("pm", row.worker_name);
    out.member("type", row.type);
    out.member("id", row.config);
    out.member("mac", row.mac);
    out.member("tcp", row.ip);
    out.member("display", row.display);
    out.member("cport", row.cport);
    out.member("sport", row.console);
    out.member("pid", row.pid);
    out.member("uid", row.uid);
    out.member("gid", row.gid);
    out.member("cstype", is_live(row) ? "SERVER" : "");
    out.member("jobid", "");
    out.member("ifname", "");
    out.member("reserved", "");
    out.member("contextstrg", "");
    out.member("execpath", row.executable);
    out.member("hyperrelrun", row.version);
    out.member("accelerator", row.accelerator);
    out.member("arch", row.arch);
    out.key("remarks");
    out.begin_array();
    for (const auto& remark : row.remarks)
        out.value(std::string_view{remark});
    out.end_array();
}

} // namespace ctys::tools
