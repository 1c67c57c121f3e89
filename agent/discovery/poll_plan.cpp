#include "agent/discovery/poll_plan.h"

#include <algorithm>

namespace ctys::agent {

std::vector<std::uint32_t> PollPlan::next(std::span<const ProcEntry> listing) {
    ++round_;
    std::vector<std::uint32_t> fresh;
    std::vector<std::uint32_t> again;
    for (const auto& entry : listing) {
        const auto [at, is_new] = seen_.try_emplace(entry.pid);
        auto& seen = at->second;
        if (is_new || seen.inode != entry.inode) {
            seen = {.inode = entry.inode, .sight = Sight::Other};
            fresh.push_back(entry.pid);
        } else if (seen.sight == Sight::Other || seen.sight == Sight::Hidden) {
            again.push_back(entry.pid);
        }
        seen.round = round_;
    }
    std::erase_if(seen_, [&](const auto& item) { return item.second.round != round_; });

    if (again.size() > budget_) {
        std::sort(again.begin(), again.end());
        const auto from = std::upper_bound(again.begin(), again.end(), rotation_);
        std::rotate(again.begin(), from, again.end());
        again.resize(budget_);
        if (!again.empty()) rotation_ = again.back();
    }
    fresh.insert(fresh.end(), again.begin(), again.end());
    return fresh;
}

void PollPlan::note(std::uint32_t pid, Sight sight) {
    const auto found = seen_.find(pid);
    if (found != seen_.end()) found->second.sight = sight;
}

void PollPlan::forget_others() {
    std::erase_if(seen_, [](const auto& item) { return item.second.sight != Sight::Candidate; });
}

std::size_t PollPlan::hidden_count() const {
    const auto count = std::count_if(seen_.begin(), seen_.end(), [](const auto& item) {
        return item.second.sight == Sight::Hidden;
    });
    return static_cast<std::size_t>(count);
}

} // namespace ctys::agent
