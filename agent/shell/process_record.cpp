#include "agent/shell/process_record.h"

#include "agent/discovery/owner.h"
#include "agent/scanner/naming.h"
#include "agent/survey/probe_guest.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

constexpr std::size_t most_label = 63;

/// A name as somebody typed it, made a label: it is shown everywhere, so odd bytes become '_'.
std::string label_of(std::string_view name, std::uint32_t pid) {
    std::string label;
    for (const char c : name.substr(0, most_label)) {
        label += is_label(std::string(1, 'x') + c) ? c : '_';
    }
    return is_label(label) ? label : fmt::format("qemu-{}", pid);
}

std::string
usable_monitor(const ProcessFacts& facts, const qemu::QemuCommandLine& line, Owner owner) {
    // Never libvirt's or Proxmox's own; ctys' belongs to the agent that started it.
    if (owner != Owner::ByHand) return {};
    for (const auto& monitor : line.monitors) {
        if (monitor.kind != qemu::Monitor::Kind::Qmp || !monitor.server || monitor.path.empty())
            continue;
        const auto path = normal_path(monitor.path, facts.cwd);
        return facts.other_mounts ? fmt::format("/proc/{}/root{}", facts.key.pid, path) : path;
    }
    return {};
}

void append_json_text(std::string& out, std::string_view key, std::string_view value) {
    out += fmt::format("{}\"{}\":\"", out.size() > 1 ? "," : "", key);
    for (const char c : printable(value, 4096)) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

} // namespace

bool is_no_vm(const std::vector<std::string>& argv) {
    return is_of_survey(argv) || qemu::parse(argv).only_asks;
}

ForeignProcess describe_foreign(const ProcessFacts& facts,
                                std::string_view runtime,
                                const FindConfig& find_config) {
    const auto line = qemu::parse(facts.argv);
    ForeignProcess out;
    auto& record = out.record;
    record.key = facts.key;
    record.state = VmState::Running;
    record.since = facts.started;
    record.started = facts.started;
    record.user = printable(facts.user, 64);
    record.uid = facts.uid;
    record.gid = facts.gid;
    record.executable = printable(facts.executable, 4096);
    record.arch = qemu::arch_of_program(facts.executable);
    record.owner = decide_owner(facts, runtime).owner;
    record.image = printable(line.image, 4096);
    record.console = printable(line.console, 255);
    record.display = printable(line.vnc, 255);
    record.cport = qemu::vnc_port(line.vnc);
    record.machine = printable(line.machine, 64);
    record.memory_mb = line.memory_mb;
    record.vcpus = line.vcpus;
    record.macs = line.macs;
    // Only what was asked for: what is really in use is known from a monitor alone.
    record.accelerator =
        line.accel.find(':') == std::string::npos ? printable(line.accel, 32) : std::string{};
    if (record.accelerator.empty() && line.accel.empty()) record.accelerator = "tcg";

    const PathFacts* match = nullptr;
    for (const auto& candidate :
         candidate_configurations({.image = line.image, .cwd = facts.cwd, .label = line.name})) {
        match = find_config(candidate.config);
        if (match != nullptr) break;
    }
    if (line.uuid && line.uuid->identifies()) {
        record.vm = VmId{*line.uuid};
    } else if (match != nullptr) {
        record.vm = match->vm.id;
    } else {
        record.vm = VmId{Uuid::from_name(
            ctys_namespace(),
            fmt::format("process {} {} {}", facts.key.boot, facts.key.pid, facts.key.start_ticks))};
    }
    if (match != nullptr) {
        record.config = match->path.config;
        record.label = match->vm.label;
    } else {
        record.label = label_of(line.name, facts.key.pid);
    }
    out.monitor = usable_monitor(facts, line, record.owner);
    out.handle = qemu::owner_handle(record.owner, facts.argv);
    if (record.owner == Owner::Ctys && line.paused) {
        // It was started to stand until its agent lets it run: only that agent knows whether it
        // has.
        out.instance = qemu::instance_directory(line);
        record.state = VmState::Unknown;
    }
    // What a wrapper run by hand has started dials a folder that no agent listens at.
    const bool is_hand_run =
        record.owner == Owner::Ctys &&
        qemu::instance_directory(line).starts_with(fmt::format("{}/instances/", runtime));
    if (!facts.missing.empty()) {
        record.note = printable(facts.missing, 255);
    } else if (record.owner == Owner::ByHand || is_hand_run) {
        record.note = "no monitor: can be watched, not asked";
    }
    return out;
}

void take_kept(InstanceRecord& record, const std::optional<InstanceRecord>& kept) {
    if (!kept) return;
    // Written before QEMU was there: no agent has seen it yet.
    const bool is_seed = kept->key.pid == 0;
    if (!is_seed && kept->key != record.key) return;
    record.state = is_seed ? VmState::Starting : kept->state;
    record.vm = kept->vm;
    record.label = kept->label;
    record.config = kept->config;
}

std::string to_json_line(const InstanceRecord& record, std::string_view host) {
    std::string out = "{";
    append_json_text(out, "label", record.label);
    append_json_text(out, "uuid", record.vm.to_string());
    append_json_text(out, "type", "QEMU");
    append_json_text(out, "worker", host);
    append_json_text(out, "worker_state", "alive");
    append_json_text(out, "state", to_string(record.state));
    append_json_text(out, "reason", record.reason);
    append_json_text(out, "owner", to_string(record.owner));
    append_json_text(out, "since", record.since.to_rfc3339());
    append_json_text(out, "started", record.started.to_rfc3339());
    append_json_text(out, "accelerator", record.accelerator);
    append_json_text(out, "mac", record.macs.empty() ? std::string{} : record.macs.front());
    append_json_text(out, "display", record.display);
    append_json_text(out, "sport", record.console);
    append_json_text(out, "user", record.user);
    append_json_text(out, "id", record.config);
    append_json_text(out, "execpath", record.executable);
    append_json_text(out, "hyperrelrun", record.version);
    append_json_text(out, "arch", record.arch);
    append_json_text(out, "note", record.note);
    out += fmt::format(",\"managed\":{},\"pid\":{},\"paths\":{},\"cport\":{},\"uid\":{},\"gid\":{},"
                       "\"memory_mb\":{},\"vcpus\":{}}}",
                       record.managed,
                       record.key.pid,
                       record.config.empty() ? 0 : 1,
                       record.cport,
                       record.uid,
                       record.gid,
                       record.memory_mb,
                       record.vcpus);
    return out;
}

} // namespace ctys::agent
