#include "tools/output/drive_rows.h"

#include <algorithm>

namespace ctys::tools {

namespace {

std::string_view tray_text(const Drive& drive) {
    if (!drive.has_tray) return "none";
    return drive.is_open ? "open" : "closed";
}

std::vector<Column> drive_columns(bool wide) {
    std::vector<Column> out;
    if (wide) out.push_back({"VM"});
    for (const auto* title : {"DRIVE", "TRAY", "LOCKED"})
        out.push_back({title});
    if (wide) {
        out.push_back({"WORKER"});
        out.push_back({"SEEN", Align::Right});
    }
    out.push_back({"MEDIUM"});
    return out;
}

std::vector<Cell> cells(const DriveRow& row, bool wide, const View& /*view*/) {
    std::vector<Cell> out;
    if (wide) out.emplace_back(row.label);
    const auto& drive = row.drive;
    out.emplace_back(drive.name);
    out.emplace_back(std::string{drive.has_tray ? tray_text(drive) : ""},
                     drive.is_open ? Tone::Warn : Tone::Plain);
    out.emplace_back(drive.is_locked ? "yes" : "no");
    if (wide) {
        out.emplace_back(row.worker);
        out.emplace_back(to_short_text(row.age));
    }
    out.emplace_back(drive.image);
    return out;
}

void json(JsonWriter& out, const DriveRow& row) {
    out.begin_object();
    out.member("vm", row.label);
    out.member("worker", row.worker);
    out.key("age_s");
    out.value(row.age);
    append_drive_members(out, row.drive);
    out.end_object();
}

std::vector<std::string> names(const std::vector<DriveRow>& rows) {
    std::vector<std::string> out;
    for (const auto& row : rows)
        out.push_back(row.drive.name);
    return out;
}

} // namespace

Result<std::vector<DriveRow>> drive_rows(const VmDetail& detail) {
    const auto live = std::find_if(detail.instances.begin(),
                                   detail.instances.end(),
                                   [](const auto& each) { return is_live(each.state); });
    if (live == detail.instances.end()) {
        return fail(ErrorCode::Conflict,
                    "it does not run: what its drives hold is known while it does",
                    fmt::format("ctys show {}", detail.row.label));
    }
    std::vector<DriveRow> rows;
    for (const auto& drive : live->drives) {
        rows.push_back({.label = detail.row.label,
                        .worker = detail.row.worker_name,
                        .age = detail.row.age,
                        .drive = drive});
    }
    return rows;
}

const Listing<DriveRow>& drive_listing() {
    static constexpr Listing<DriveRow> listing{drive_columns, cells, json, names};
    return listing;
}

void append_drive_members(JsonWriter& out, const Drive& drive) {
    out.member("drive", drive.name);
    out.member("tray", tray_text(drive));
    out.member("locked", drive.is_locked);
    out.member_or_null("image", drive.image);
}

} // namespace ctys::tools
