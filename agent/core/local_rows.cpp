#include "agent/core/local_rows.h"

namespace ctys::agent {

namespace {

void add_path(VmRow& row, const PathFacts& facts) {
    const auto& [vm, path] = facts;
    if (path.health == PathHealth::Vanished) return;
    if (row.paths++ == 0 || path.health < row.path_health) {
        row.path_health = path.health;
        if (row.config.empty()) row.config = path.config;
    }
    if (row.label.empty()) row.label = vm.label;
    if (row.arch.empty()) row.arch = vm.arch;
    if (row.mac.empty() && !vm.macs.empty()) row.mac = vm.macs.front();
    if (row.ip.empty() && !vm.ips.empty()) row.ip = vm.ips.front();
    if (row.memory_mb == 0) row.memory_mb = vm.memory_mb;
    if (row.vcpus == 0) row.vcpus = vm.vcpus;
    if (row.remarks.empty()) row.remarks = vm.remarks;
    const bool is_shown = row.config == path.config && path.health == PathHealth::Good;
    if (is_shown && !path.runnable && !path.why_not.empty())
        row.remarks.insert(row.remarks.begin(), path.why_not);
    if (row.start_after.empty()) row.start_after = vm.start_after;
}

VmRow row_of(const InstanceRecord& record, const WorkerRecord& worker) {
    VmRow row{.vm = record.vm, .label = record.label, .type = "QEMU", .worker = worker.id};
    row.worker_name = worker.name;
    row.state = record.state;
    row.reason = record.reason;
    row.managed = record.managed;
    row.owner = record.owner;
    row.since = record.since;
    row.started = record.started;
    row.accelerator = record.accelerator;
    row.pid = record.key.pid;
    row.note = record.note;
    if (!record.macs.empty()) row.mac = record.macs.front();
    row.display = record.display;
    row.cport = record.cport;
    row.console = record.console;
    row.user = record.user;
    row.uid = record.uid;
    row.gid = record.gid;
    row.config = record.config;
    row.executable = record.executable;
    row.version = record.version;
    row.arch = record.arch;
    row.memory_mb = record.memory_mb;
    row.vcpus = record.vcpus;
    return row;
}

} // namespace

std::vector<VmRow> local_rows(const AgentCore& core) {
    std::vector<VmRow> rows;
    std::map<VmId, std::vector<std::size_t>> running;
    for (const auto& [key, instance] : core.instances().all()) {
        running[instance.record.vm].push_back(rows.size());
        rows.push_back(row_of(instance.record, core.worker()));
    }
    for (const auto& [vm, twins] : running) {
        for (const auto index : twins) {
            rows[index].conflict = twins.size() > 1;
        }
    }
    std::map<VmId, std::size_t> idle;
    for (const auto& [config, facts] : core.paths()) {
        const auto live = running.find(facts.vm.id);
        if (live != running.end()) {
            for (const auto index : live->second) {
                add_path(rows[index], facts);
            }
            continue;
        }
        if (facts.path.health == PathHealth::Vanished || facts.path.health == PathHealth::Ignored)
            continue;
        const auto [at, is_new] = idle.emplace(facts.vm.id, rows.size());
        if (is_new) {
            rows.push_back({.vm = facts.vm.id, .label = facts.vm.label, .type = "QEMU"});
            rows.back().state = VmState::Stopped;
            rows.back().managed = true;
            rows.back().owner = Owner::Ctys;
        }
        add_path(rows[at->second], facts);
    }
    return rows;
}

} // namespace ctys::agent
