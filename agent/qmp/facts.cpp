#include "agent/qmp/facts.h"

#include "mesh/core/text.h"
#include "mesh/qemu/vnc.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace ctys::qmp {
namespace {

constexpr std::size_t max_rows = 256;
constexpr std::size_t max_word = 4096;

struct StatusRow {
    std::string_view status;
    VmState state;
    std::string_view reason;
};

constexpr std::array<StatusRow, 16> status_table{{
    {"running", VmState::Running, ""},
    {"paused", VmState::Paused, ""},
    {"prelaunch", VmState::Starting, ""},
    {"inmigrate", VmState::Starting, "inmigrate"},
    {"restore-vm", VmState::Paused, "restoring"},
    {"suspended", VmState::Suspended, ""},
    {"shutdown", VmState::Stopping, "shutdown"},
    {"io-error", VmState::Paused, "io-error"},
    {"internal-error", VmState::Paused, "internal-error"},
    {"guest-panicked", VmState::Paused, "panicked"},
    {"watchdog", VmState::Paused, "watchdog"},
    {"debug", VmState::Paused, "debug"},
    {"save-vm", VmState::Paused, "saving"},
    {"finish-migrate", VmState::Paused, "migrating"},
    {"postmigrate", VmState::Paused, "migrated"},
    {"colo", VmState::Running, ""},
}};

std::string word(const Value& value, std::string_view path) {
    return printable(value.text(path).value_or(""), max_word);
}

std::span<const Value> rows(const Value& answer) {
    const auto all = answer.items();
    return all.first(std::min(all.size(), max_rows));
}

/// STOP follows the event that says why; a later STOP must not wipe the reason out.
StateReason stopped(const StateReason& before) {
    const bool known = before.state == VmState::Stopping ||
                       (before.state == VmState::Paused && !before.reason.empty());
    return known ? before : StateReason{VmState::Paused, ""};
}

void absorb_status(QmpFacts& facts, const Value& answer) {
    facts.status = word(answer, "status");
    facts.running = answer.boolean("running").value_or(false);
    facts.state = state_of_status(facts.status);
}

void absorb_uuid(QmpFacts& facts, const Value& answer) {
    const auto uuid = Uuid::parse(answer.text("UUID").value_or(""));
    facts.uuid = uuid && !uuid->is_zero() ? std::optional(*uuid) : std::nullopt;
}

void absorb_version(QmpFacts& facts, const Value& answer) {
    facts.version = fmt::format("{}.{}.{}",
                                answer.integer("qemu.major").value_or(0),
                                answer.integer("qemu.minor").value_or(0),
                                answer.integer("qemu.micro").value_or(0));
    facts.package = word(answer, "package");
}

std::vector<ImageSnapshot> snapshots_in(const Value& row) {
    std::vector<ImageSnapshot> snapshots;
    const auto all = row.items("inserted.image.snapshots");
    for (const auto& each : all.first(std::min(all.size(), max_rows))) {
        const auto seconds = std::clamp<std::int64_t>(
            each.integer("date-sec").value_or(0), 0, std::int64_t{253'402'300'799});
        snapshots.push_back({.name = word(each, "name"),
                             .at = {seconds * 1'000'000},
                             .state_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(
                                 each.integer("vm-state-size").value_or(0), 0))});
    }
    return snapshots;
}

void absorb_block(QmpFacts& facts, const Value& answer) {
    facts.blocks.clear();
    for (const auto& row : rows(answer)) {
        facts.blocks.push_back({.device = word(row, "device"),
                                .qdev = word(row, "qdev"),
                                .file = word(row, "inserted.file"),
                                .driver = word(row, "inserted.drv"),
                                .read_only = row.boolean("inserted.ro").value_or(false),
                                .removable = row.boolean("removable").value_or(false),
                                .io_status = word(row, "io-status"),
                                .tray_open = row.boolean("tray_open"),
                                .locked = row.boolean("locked").value_or(false),
                                .node = word(row, "inserted.node-name"),
                                .snapshots = snapshots_in(row)});
    }
}

void absorb_chardev(QmpFacts& facts, const Value& answer) {
    facts.chardevs.clear();
    for (const auto& row : rows(answer)) {
        facts.chardevs.push_back({.label = word(row, "label"),
                                  .target = word(row, "filename"),
                                  .connected = row.boolean("frontend-open").value_or(false)});
    }
}

void absorb_vnc(QmpFacts& facts, const Value& answer) {
    facts.vnc.clear();
    if (!answer.boolean("enabled").value_or(false)) return;
    const auto service = word(answer, "service");
    // Over a unix socket QEMU 7.2 tells the path as the service, and no host.
    if (answer.text("family") == "unix" || service.empty()) {
        const auto host = word(answer, "host");
        facts.vnc = fmt::format("unix:{}", host.empty() ? service : host);
        return;
    }
    std::uint32_t port = 0;
    std::from_chars(service.data(), service.data() + service.size(), port);
    if (port >= qemu::vnc_base_port)
        facts.vnc = fmt::format("{}:{}", word(answer, "host"), port - qemu::vnc_base_port);
}

} // namespace

// QEMU says of such a node what it is made of: "json:{...}", with the file it made itself below
// $TMPDIR, else /var/tmp, called vl.XXXXXX (get_tmp_filename of its block.c).
bool is_temporary(const BlockDevice& device) {
    return device.file.starts_with("json:") && device.file.find("/vl.") != std::string::npos;
}

std::vector<Job> jobs_of(const Value& answer) {
    std::vector<Job> jobs;
    for (const auto& row : rows(answer)) {
        jobs.push_back(
            {.id = word(row, "id"), .status = word(row, "status"), .error = word(row, "error")});
    }
    return jobs;
}

StateReason state_of_status(std::string_view status) {
    for (const auto& row : status_table) {
        if (row.status == status) return {row.state, std::string(row.reason)};
    }
    return {VmState::Unknown, printable(status, 100)};
}

std::optional<StateReason> state_after(const Event& event, const StateReason& before) {
    const auto& name = event.name;
    if (name == "RESUME") return StateReason{VmState::Running, ""};
    if (name == "STOP") return stopped(before);
    if (name == "SUSPEND") return StateReason{VmState::Suspended, ""};
    if (name == "WAKEUP") return StateReason{VmState::Running, ""};
    if (name == "SUSPEND_DISK") return StateReason{VmState::Stopping, "suspend-disk"};
    if (name == "SHUTDOWN") {
        return StateReason{VmState::Stopping,
                           printable(event.data.text("reason").value_or("shutdown"), 100)};
    }
    if (name == "GUEST_PANICKED") {
        if (event.data.text("action") != "pause") return std::nullopt;
        return StateReason{VmState::Paused, "panicked"};
    }
    if (name == "BLOCK_IO_ERROR") {
        if (event.data.text("action") != "stop") return std::nullopt;
        return StateReason{VmState::Paused, "io-error"};
    }
    if (name == "WATCHDOG" && event.data.text("action") == "pause") {
        return StateReason{VmState::Paused, "watchdog"};
    }
    return std::nullopt;
}

std::span<const std::string_view> fact_commands() {
    static constexpr std::array<std::string_view, 9> commands{"query-status",
                                                              "query-name",
                                                              "query-uuid",
                                                              "query-version",
                                                              "query-kvm",
                                                              "query-block",
                                                              "query-cpus-fast",
                                                              "query-chardev",
                                                              "query-vnc"};
    return commands;
}

void absorb(QmpFacts& facts, std::string_view command, const Value& answer) {
    if (command == "query-status") return absorb_status(facts, answer);
    if (command == "query-name") facts.name = word(answer, "name");
    if (command == "query-uuid") return absorb_uuid(facts, answer);
    if (command == "query-version") return absorb_version(facts, answer);
    if (command == "query-kvm") {
        // "present" says only that it is compiled in.
        facts.accelerator = answer.boolean("enabled").value_or(false) ? "kvm" : "tcg";
    }
    if (command == "query-block") return absorb_block(facts, answer);
    if (command == "query-cpus-fast") {
        facts.vcpus =
            static_cast<std::uint32_t>(std::min<std::size_t>(answer.items().size(), 65536));
    }
    if (command == "query-chardev") return absorb_chardev(facts, answer);
    if (command == "query-vnc") return absorb_vnc(facts, answer);
}

} // namespace ctys::qmp
