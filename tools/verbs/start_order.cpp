#include "tools/verbs/start_order.h"

#include <algorithm>

namespace ctys::tools {

namespace {

Finding order_finding(std::string fact, const PlacedVm& vm) {
    return {Finding::Verdict::Warn,
            "start order",
            std::move(fact),
            fmt::format("STARTAFTER in {}", vm.row.config)};
}

bool share_a_worker(const PlacedVm& a, const PlacedVm& b) {
    return std::any_of(a.workers.begin(), a.workers.end(), [&](const std::string& worker) {
        return b.workers.contains(worker);
    });
}

class StartOrder {
public:
    explicit StartOrder(const std::vector<PlacedVm>& vms)
        : vms_(vms), before_(vms.size()), met_(vms.size(), Met::Not) {}

    std::vector<Finding> check() {
        for (std::size_t vm = 0; vm < vms_.size(); ++vm) {
            for (const auto& label : vms_[vm].row.start_after) {
                find(vm, label);
            }
        }
        for (std::size_t vm = 0; vm < vms_.size(); ++vm) {
            follow(vm);
        }
        return std::move(out_);
    }

private:
    enum class Met : std::uint8_t { Not, OnTheWay, Done };

    void find(std::size_t vm, const std::string& label) {
        const auto& asking = vms_[vm];
        std::size_t elsewhere = 0;
        std::vector<std::size_t> here;
        for (std::size_t other = 0; other < vms_.size(); ++other) {
            if (other == vm || vms_[other].row.label != label) continue;
            if (share_a_worker(asking, vms_[other])) {
                here.push_back(other);
            } else {
                ++elsewhere;
            }
        }
        before_[vm].insert(before_[vm].end(), here.begin(), here.end());
        if (here.size() == 1) return;
        const auto fact = here.size() > 1
                              ? fmt::format("{} VMs of its worker are called so", here.size())
                          : elsewhere > 0 ? "no VM of its worker is called so"
                                          : "no VM is called so";
        out_.push_back(order_finding(
            fmt::format("{} starts after {}: {}", asking.row.label, label, fact), asking));
    }

    // Depth first, without recursion: a chain may be as long as the VMs are many.
    void follow(std::size_t first) {
        if (met_[first] != Met::Not) return;
        std::vector<std::pair<std::size_t, std::size_t>> way{{first, 0}};
        met_[first] = Met::OnTheWay;
        while (!way.empty()) {
            auto& [vm, next] = way.back();
            if (next == before_[vm].size()) {
                met_[vm] = Met::Done;
                way.pop_back();
                continue;
            }
            const auto other = before_[vm][next++];
            if (met_[other] == Met::OnTheWay) tell_circle(way, other);
            if (met_[other] != Met::Not) continue;
            met_[other] = Met::OnTheWay;
            way.emplace_back(other, 0);
        }
    }

    void tell_circle(const std::vector<std::pair<std::size_t, std::size_t>>& way,
                     std::size_t closing) {
        auto at = std::find_if(
            way.begin(), way.end(), [&](const auto& step) { return step.first == closing; });
        std::vector<std::string> labels;
        for (; at != way.end(); ++at) {
            labels.push_back(vms_[at->first].row.label);
        }
        labels.push_back(vms_[closing].row.label);
        out_.push_back(order_finding(fmt::format("{}: a circle; on boot none of them is started",
                                                 fmt::join(labels, " starts after ")),
                                     vms_[closing]));
    }

    const std::vector<PlacedVm>& vms_;
    std::vector<std::vector<std::size_t>> before_;
    std::vector<Met> met_;
    std::vector<Finding> out_;
};

} // namespace

std::vector<Finding> check_start_order(const std::vector<PlacedVm>& vms) {
    return StartOrder{vms}.check();
}

} // namespace ctys::tools
