#include "tools/output/worker_rows.h"

#include "tools/output/block.h"
#include "tools/output/equipment.h"

namespace ctys::tools {

namespace {

std::string usable_accelerators(const WorkerRecord& worker) {
    std::vector<std::string> names;
    for (const auto& accelerator : worker.accelerators) {
        if (accelerator.usable) names.push_back(accelerator.name);
    }
    return fmt::format("{}", fmt::join(names, " "));
}

std::string note_of(const WorkerRecord& worker) {
    std::vector<std::string> parts;
    if (worker.fenced) parts.emplace_back("fenced");
    if (worker.host_stops) parts.emplace_back("its VMs are being stopped");
    if (!worker.rival.empty()) parts.push_back(worker.rival);
    if (!worker.platform_conflict.empty())
        parts.push_back("platform UUID: " + worker.platform_conflict);
    for (const auto& pool : worker.pools) {
        if (pool.health != PoolHealth::Good)
            parts.push_back(fmt::format("pool {} {}", pool.root, to_string(pool.health)));
    }
    if (!worker.blind_spots.empty()) {
        parts.push_back(fmt::format("{} blind spot{}: ctys worker show {}",
                                    worker.blind_spots.size(),
                                    worker.blind_spots.size() == 1 ? "" : "s",
                                    worker.name));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

Tone worker_tone(WorkerState state) {
    switch (state) {
    case WorkerState::Alive:
        return Tone::Good;
    case WorkerState::Suspect:
    case WorkerState::Paused:
        return Tone::Warn;
    case WorkerState::Lost:
        return Tone::Bad;
    }
    return Tone::Plain;
}

std::string seen_text(const WorkerRecord& worker, const View& view) {
    if (worker.last_seen.is_none()) return {};
    return view.plain ? worker.last_seen.to_rfc3339() : to_short_text(view.now - worker.last_seen);
}

std::vector<Column> worker_columns(bool wide) {
    std::vector<Column> out{{"NAME"},
                            {"STATE"},
                            {"SEEN", Align::Right},
                            {"CPUS", Align::Right},
                            {"MEM", Align::Right},
                            {"ACCEL"},
                            {"VMS", Align::Right},
                            {"VERSION"}};
    if (wide) {
        for (const auto* title : {"ID", "HOST", "ARCH", "PLATFORM", "POOLS"})
            out.push_back({title});
    }
    out.push_back({"NOTE"});
    return out;
}

std::vector<Cell> cells(const WorkerRecord& worker, bool wide, const View& view) {
    std::uint64_t vms = 0;
    std::vector<std::string> roots;
    for (const auto& pool : worker.pools) {
        vms += pool.vms;
        roots.push_back(pool.root);
    }
    std::vector<Cell> out{Cell{worker.name},
                          Cell{std::string{state_word(worker)}, worker_tone(worker.state)},
                          Cell{seen_text(worker, view)},
                          Cell{std::to_string(worker.cpus)},
                          Cell{std::to_string(worker.memory_mb)},
                          Cell{usable_accelerators(worker)},
                          Cell{std::to_string(vms)},
                          Cell{worker.version}};
    if (wide) {
        for (auto text : {worker.id.to_string(),
                          worker.host,
                          worker.arch,
                          worker.platform.is_zero() ? std::string{} : worker.platform.to_string(),
                          fmt::format("{}", fmt::join(roots, " "))}) {
            out.emplace_back(std::move(text));
        }
    }
    out.emplace_back(note_of(worker), worker.fenced ? Tone::Bad : Tone::Plain);
    return out;
}

void json_pools(JsonWriter& out, const WorkerRecord& worker) {
    out.key("pools");
    out.begin_array();
    for (const auto& pool : worker.pools) {
        out.begin_object();
        out.member("root", pool.root);
        out.member("id", pool.id);
        out.member("health", to_string(pool.health));
        out.member("reason", pool.reason);
        out.member("filesystem", pool.filesystem);
        out.member("shared", pool.shared);
        out.member("trusted", pool.trusted);
        out.member("vms", pool.vms);
        out.end_object();
    }
    out.end_array();
}

void json_texts(JsonWriter& out, std::string_view key, const std::vector<std::string>& texts) {
    out.key(key);
    out.begin_array();
    for (const auto& text : texts)
        out.value(std::string_view{text});
    out.end_array();
}

void json(JsonWriter& out, const WorkerRecord& worker) {
    out.begin_object();
    append_worker_members(out, worker);
    out.end_object();
}

std::vector<std::string> names(const std::vector<WorkerRecord>& workers) {
    std::vector<std::string> out;
    for (const auto& worker : workers)
        out.push_back(worker.name);
    return out;
}

} // namespace

const Listing<WorkerRecord>& worker_listing() {
    static constexpr Listing<WorkerRecord> listing{worker_columns, cells, json, names};
    return listing;
}

std::string worker_trouble(const WorkerRecord& worker) {
    if (state_word(worker) != to_string(worker.state))
        return fmt::format("{}: its agent has ended in order; what runs there goes on",
                           worker.name);
    return fmt::format("{} is {}", worker.name, to_string(worker.state));
}

std::string host_stop_text(const WorkerRecord& worker) {
    return fmt::format("{}: its VMs are being stopped with their machine; nothing is started there",
                       worker.name);
}

void append_worker_members(JsonWriter& out, const WorkerRecord& worker) {
    out.member("name", worker.name);
    out.member("id", worker.id);
    out.member("state", to_string(worker.state));
    out.member("fenced", worker.fenced);
    out.member("ended", worker.ended);
    out.member("host_stops", worker.host_stops);
    out.member("rival", worker.rival);
    out.member("last_seen", worker.last_seen);
    out.member("state_since", worker.state_since);
    out.member("host", worker.host);
    out.member("arch", worker.arch);
    out.member("cpus", worker.cpus);
    out.member("memory_mb", worker.memory_mb);
    out.member("version", worker.version);
    out.member("boot", worker.boot);
    out.member_or_null("platform",
                       worker.platform.is_zero() ? std::string{} : worker.platform.to_string());
    out.member("platform_conflict", worker.platform_conflict);
    out.key("accelerators");
    out.begin_array();
    for (const auto& accelerator : worker.accelerators) {
        out.begin_object();
        out.member("name", accelerator.name);
        out.member("usable", accelerator.usable);
        out.member("why", accelerator.why);
        out.end_object();
    }
    out.end_array();
    json_texts(out, "binaries", worker.binaries);
    append_equipment_members(out, worker);
    json_texts(out, "blind_spots", worker.blind_spots);
    json_pools(out, worker);
}

void render_worker(fmt::memory_buffer& out, const WorkerRecord& worker, const View& view) {
    Blocks blocks(out, view);
    blocks.headline(fmt::format("{}   {}, seen {} ago",
                                worker.name,
                                state_word(worker),
                                to_short_text(view.now - worker.last_seen)),
                    worker.id.to_string());
    blocks.line("machine",
                fmt::format("{}, {}, {} cpus, {} MB, agent {}",
                            worker.host,
                            worker.arch,
                            worker.cpus,
                            worker.memory_mb,
                            worker.version));
    if (!worker.platform.is_zero())
        blocks.line("machine", "platform " + worker.platform.to_string());
    if (!worker.platform_conflict.empty()) blocks.line("machine", worker.platform_conflict);
    if (worker.fenced) blocks.line("machine", "fenced: its VMs were declared dead");
    if (worker.ended) blocks.line("machine", "its agent has ended in order: what runs goes on");
    if (worker.host_stops) blocks.line("machine", "its VMs are being stopped with it");
    if (!worker.rival.empty()) blocks.line("machine", worker.rival);
    render_equipment(blocks, worker);
    for (const auto& pool : worker.pools) {
        blocks.line("pools",
                    fmt::format("{}  {}  {}{}  {} VMs{}{}",
                                pool.root,
                                to_string(pool.health),
                                pool.filesystem,
                                pool.shared ? ", shared" : "",
                                pool.vms,
                                pool.reason.empty() ? "" : "  ",
                                pool.reason));
    }
    for (const auto& spot : worker.blind_spots)
        blocks.line("blind", spot);
    blocks.line("next",
                fmt::format("ctys list --filter worker={}      ctys events --filter worker={}",
                            worker.name,
                            worker.name));
}

} // namespace ctys::tools
