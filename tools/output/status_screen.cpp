#include "tools/output/status_screen.h"

#include "tools/output/block.h"
#include "tools/output/table.h"
#include "tools/output/worker_rows.h"

namespace ctys::tools {

namespace {

std::vector<std::string> troubles(const StatusRow& status,
                                  const std::vector<WorkerRecord>& workers) {
    std::vector<std::string> out;
    if (!status.degraded.empty())
        out.push_back("degraded, nothing is recorded: " + status.degraded);
    if (status.conflicts != 0) {
        out.push_back(fmt::format("{} VM{} more than once: ctys list",
                                  status.conflicts,
                                  status.conflicts == 1 ? " runs" : "s run"));
    }
    if (workers.empty()) out.emplace_back("no agent has reported yet: ctys up, or ctys doctor");
    for (const auto& worker : workers) {
        if (worker.state != WorkerState::Alive) out.push_back("worker " + worker_trouble(worker));
        if (worker.host_stops) out.push_back("worker " + host_stop_text(worker));
        if (!worker.rival.empty())
            out.push_back(fmt::format("worker {}: {}", worker.name, worker.rival));
        for (const auto& pool : worker.pools) {
            if (pool.health != PoolHealth::Good) {
                out.push_back(fmt::format("pool {}:{} is {}{}{}",
                                          worker.name,
                                          pool.root,
                                          to_string(pool.health),
                                          pool.reason.empty() ? "" : ": ",
                                          pool.reason));
            }
        }
    }
    out.insert(out.end(), status.warnings.begin(), status.warnings.end());
    return out;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::uint64_t mib = 1024 * 1024;
    if (bytes < mib) return fmt::format("{} KiB", bytes / 1024);
    if (bytes < 1024 * mib) return fmt::format("{} MiB", bytes / mib);
    return fmt::format("{} GiB", bytes / (1024 * mib));
}

} // namespace

void render_status(fmt::memory_buffer& out,
                   const StatusRow& status,
                   const std::vector<WorkerRecord>& workers,
                   const View& view) {
    const auto problems = troubles(status, workers);
    Blocks blocks(out, view);
    blocks.headline(problems.empty() ? std::string{"all is well"}
                                     : fmt::format("{} thing{} to look at",
                                                   problems.size(),
                                                   problems.size() == 1 ? "" : "s"),
                    "ctys " + status.version);
    for (const auto& problem : problems)
        blocks.line("look", problem);
    blocks.line("vms", fmt::format("{}, {} running", status.vms, status.running));
    blocks.line("workers", fmt::format("{}, {} alive", status.workers, status.workers_alive));
    if (status.actions_open != 0)
        blocks.line("actions", fmt::format("{} open: ctys actions", status.actions_open));
    blocks.line("journal",
                fmt::format("head {}, from {}, {} of {}",
                            status.head,
                            status.horizon,
                            size_text(status.store_bytes),
                            size_text(status.store_limit)));
    blocks.line("broker",
                fmt::format("pid {}, up {}, {} watch{}",
                            status.pid,
                            to_short_text(view.now - status.started),
                            status.watches,
                            status.watches == 1 ? "" : "es"));
    blocks.line("next", problems.empty() ? "ctys list      ctys events" : "ctys doctor");
}

void append_status_json(JsonWriter& out, const StatusRow& status) {
    out.begin_object();
    out.member("version", status.version);
    out.member("pid", status.pid);
    out.member("started", status.started);
    out.member("head", status.head.to_string());
    out.member("horizon", status.horizon.to_string());
    out.member("degraded", status.degraded);
    out.member("vms", status.vms);
    out.member("running", status.running);
    out.member("workers", status.workers);
    out.member("workers_alive", status.workers_alive);
    out.member("conflicts", status.conflicts);
    out.member("actions_open", status.actions_open);
    out.member("watches", status.watches);
    out.member("store_bytes", status.store_bytes);
    out.member("store_limit", status.store_limit);
    out.key("warnings");
    out.begin_array();
    for (const auto& warning : status.warnings)
        out.value(std::string_view{warning});
    out.end_array();
    out.end_object();
}

} // namespace ctys::tools
