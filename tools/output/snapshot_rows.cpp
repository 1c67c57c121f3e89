#include "tools/output/snapshot_rows.h"

#include <algorithm>

namespace ctys::tools {

namespace {

std::string_view note_of(const Snapshot& snapshot) {
    if (snapshot.is_whole) return {};
    return snapshot.state_bytes == 0 ? "without memory: it was made while it did not run"
                                     : "not on every disk";
}

std::string megabytes(std::uint64_t bytes) {
    constexpr std::uint64_t mebibyte = 1024 * 1024;
    return fmt::format("{} MB", (bytes + mebibyte - 1) / mebibyte);
}

std::vector<Column> snapshot_columns(bool wide) {
    std::vector<Column> out;
    if (wide) out.push_back({"VM"});
    out.push_back({"NAME"});
    out.push_back({"SAVED"});
    out.push_back({"STATE", Align::Right});
    if (wide) {
        out.push_back({"WORKER"});
        out.push_back({"SEEN", Align::Right});
    }
    out.push_back({"NOTE"});
    return out;
}

std::vector<Cell> cells(const SnapshotRow& row, bool wide, const View& view) {
    const auto& snapshot = row.snapshot;
    std::vector<Cell> out;
    if (wide) out.emplace_back(row.label);
    out.emplace_back(snapshot.name);
    out.emplace_back(view.plain ? snapshot.at.to_rfc3339()
                                : to_short_text(view.now - snapshot.at) + " ago");
    out.emplace_back(megabytes(snapshot.state_bytes));
    if (wide) {
        out.emplace_back(row.worker);
        out.emplace_back(to_short_text(row.age));
    }
    out.emplace_back(std::string{note_of(snapshot)}, snapshot.is_whole ? Tone::Plain : Tone::Warn);
    return out;
}

void json(JsonWriter& out, const SnapshotRow& row) {
    out.begin_object();
    out.member("vm", row.label);
    out.member("worker", row.worker);
    out.key("age_s");
    out.value(row.age);
    append_snapshot_members(out, row.snapshot);
    out.end_object();
}

std::vector<std::string> names(const std::vector<SnapshotRow>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows)
        out.push_back(row.snapshot.name);
    return out;
}

} // namespace

Result<std::vector<SnapshotRow>> snapshot_rows(const VmDetail& detail) {
    const auto live = std::find_if(detail.instances.begin(),
                                   detail.instances.end(),
                                   [](const auto& each) { return is_live(each.state); });
    if (live == detail.instances.end()) {
        return fail(ErrorCode::Conflict,
                    "it does not run: what its disks hold is known while it does",
                    "qemu-img snapshot -l IMAGE");
    }
    std::vector<SnapshotRow> rows;
    for (const auto& snapshot : live->snapshots) {
        rows.push_back({.label = detail.row.label,
                        .worker = detail.row.worker_name,
                        .age = detail.row.age,
                        .snapshot = snapshot});
    }
    return rows;
}

const Listing<SnapshotRow>& snapshot_listing() {
    static constexpr Listing<SnapshotRow> listing{snapshot_columns, cells, json, names};
    return listing;
}

void append_snapshot_members(JsonWriter& out, const Snapshot& snapshot) {
    out.member("name", snapshot.name);
    out.member("saved", snapshot.at);
    out.member("state_bytes", snapshot.state_bytes);
    out.member("whole", snapshot.is_whole);
    out.member_or_null("note", note_of(snapshot));
}

} // namespace ctys::tools
