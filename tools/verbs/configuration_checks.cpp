#include "tools/verbs/configuration_checks.h"

#include "tools/verbs/start_order.h"

#include <algorithm>

namespace ctys::tools {

namespace {

constexpr std::size_t most_told = 5;
/// Where a VM could run is asked one by one.
constexpr std::size_t most_asked = 500;

/// Names the first few; of the rest their number.
class FirstOnes {
public:
    void add(Finding finding) {
        if (out_.size() < most_told) {
            out_.push_back(std::move(finding));
        } else {
            ++more_;
        }
    }
    std::vector<Finding> take(std::string_view rest) {
        if (more_ > 0) {
            out_.push_back(
                {Finding::Verdict::Warn, out_.front().what, fmt::format("{} {}", more_, rest), {}});
        }
        return std::move(out_);
    }

private:
    std::vector<Finding> out_;
    std::size_t more_ = 0;
};

std::vector<Finding> check_unreadable(const std::vector<VmRow>& rows) {
    FirstOnes first;
    for (const auto& row : rows) {
        if (row.path_health != PathHealth::Unreadable || row.paths == 0) continue;
        first.add({Finding::Verdict::Warn,
                   "paths",
                   fmt::format("{} cannot be read", row.config),
                   fmt::format("ctys show u:{}   (says why)", row.vm)});
    }
    return first.take("more cannot be read");
}

std::vector<Finding> check_remarks(const std::vector<VmRow>& rows) {
    FirstOnes first;
    for (const auto& row : rows) {
        if (row.remarks.empty() || row.paths == 0) continue;
        const auto more =
            row.remarks.size() == 1
                ? std::string{}
                : fmt::format("   (and {} more: ctys show u:{})", row.remarks.size() - 1, row.vm);
        first.add({Finding::Verdict::Warn,
                   "settings",
                   fmt::format("{}: {}", row.label, row.remarks.front()),
                   row.config + more});
    }
    return first.take("more have settings that are not taken as they stand");
}

std::vector<Finding> check_order(Session& session, const std::vector<VmRow>& rows) {
    std::set<std::string> labels;
    for (const auto& row : rows) {
        if (row.start_after.empty()) continue;
        labels.insert(row.label);
        labels.insert(row.start_after.begin(), row.start_after.end());
    }
    std::vector<PlacedVm> vms;
    for (const auto& row : rows) {
        const bool counts = labels.contains(row.label) && row.paths > 0;
        if (!counts || vms.size() == most_asked) continue;
        const auto detail = session.vm_at(fmt::format("u:{}", row.vm));
        if (!detail) continue; // gone meanwhile
        PlacedVm placed{.row = row, .workers = {}};
        for (std::size_t i = 0; i < detail->paths.size(); ++i) {
            const auto health = detail->paths[i].health;
            if (health != PathHealth::Vanished && health != PathHealth::Ignored)
                placed.workers.insert(detail->path_workers.at(i));
        }
        vms.push_back(std::move(placed));
    }
    if (vms.size() == most_asked) return {}; // what is not seen would be told as absent
    FirstOnes first;
    for (auto& finding : check_start_order(vms)) {
        first.add(std::move(finding));
    }
    return first.take("more like this");
}

} // namespace

std::vector<Finding> check_configurations(Session& session) {
    const auto rows = session.rows_of<VmRow>({.table = Table::Vms, .all = true});
    if (!rows) return {};
    auto out = check_unreadable(*rows);
    for (auto more : {check_remarks(*rows), check_order(session, *rows)}) {
        out.insert(out.end(), more.begin(), more.end());
    }
    return out;
}

} // namespace ctys::tools
