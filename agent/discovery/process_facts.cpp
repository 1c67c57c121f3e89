#include "agent/discovery/process_facts.h"

#include "agent/discovery/proc_text.h"

#include <algorithm>

namespace ctys::agent {

WallTime start_time(std::uint64_t start_ticks, const MachineBoot& boot) {
    // A thousand years of ticks: what claims more is no start time, and must not overflow.
    constexpr std::uint64_t limit = 100ULL * 86400 * 365 * 1000;
    if (boot.ticks_per_second == 0 || start_ticks > limit) return {};
    const auto us = start_ticks * 1'000'000 / boot.ticks_per_second;
    return boot.booted + Duration{static_cast<std::int64_t>(us)};
}

ProcessFacts facts_of_record(const ProbeRecord& record, const MachineBoot& boot) {
    const auto small = [&](std::string_view name) {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(record.number(name), UINT32_MAX));
    };
    ProcessFacts out;
    out.key = {.boot = boot.id, .pid = small("pid"), .start_ticks = record.number("start_ticks")};
    out.started = start_time(out.key.start_ticks, boot);
    out.uid = small("uid");
    out.gid = small("gid");
    out.user = record.first("user");
    out.executable = record.first("exe");
    out.argv = parse_cmdline(record.first("cmdline"));
    out.cwd = record.first("cwd");
    out.open_files = record.all("file");
    std::sort(out.open_files.begin(), out.open_files.end());
    out.open_files.erase(std::unique(out.open_files.begin(), out.open_files.end()),
                         out.open_files.end());
    out.sockets = record.all("socket");
    out.cgroup = record.first("cgroup");
    out.parent_pid = small("parent");
    out.parent_name = record.first("parent_name");
    out.session_is_orphan = record.number("session_orphan") == 1;
    out.other_mounts = record.number("other_mounts") == 1;
    out.other_network = record.number("other_network") == 1;
    for (const auto& missing : record.all("missing")) {
        out.missing += (out.missing.empty() ? "" : "; ") + missing;
    }
    return out;
}

} // namespace ctys::agent
