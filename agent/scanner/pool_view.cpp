#include "agent/scanner/pool_view.h"

#include "agent/scanner/finding.h"
#include "agent/scanner/naming.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

constexpr std::size_t max_nested = 256;
constexpr std::size_t max_remarks = 64;
constexpr std::size_t max_unreadable = 1024;

template <typename... Fns>
struct Overloaded : Fns... {
    using Fns::operator()...;
};
template <typename... Fns>
Overloaded(Fns...) -> Overloaded<Fns...>;

} // namespace

PoolView::PoolView(const PoolSettings& pool, WorkerId worker, std::vector<KnownPath> known)
    : worker_(worker) {
    was_marked_ = pool.was_marked || std::any_of(known.begin(), known.end(), [](const auto& path) {
                      return !path.pool.is_none();
                  });
    diff_ = InventoryDiff(std::move(known));
    state_.pool.root = pool.root;
    state_.pool.trusted = pool.trusted;
}

PathChanges PoolView::take(const HelperReport& report) {
    PathChanges changes;
    std::visit(Overloaded{[](const HelperHello&) {},
                          [&](const ScanBegun& begun) { take_begun(begun); },
                          [&](const PoolFacts& facts) { take_facts(facts); },
                          [&](const NestedMarker& nested) { take_nested(nested); },
                          [&](const FoundFile& file) { changes = take_found(file); },
                          [&](const ScanRemark& remark) { take_remark(remark); },
                          [](const Progress&) {},
                          [&](const ScanEnded& ended) { changes = take_ended(ended); },
                          [](const CommandDone&) {}},
               report);
    return changes;
}

PathChanges PoolView::stall(const std::string& reason) {
    scanning_ = false;
    state_.pool.health = PoolHealth::Stalled;
    state_.pool.reason = reason;
    state_.watching = false;
    return diff_.stall(reason);
}

void PoolView::take_begun(const ScanBegun& begun) {
    scanning_ = true;
    coverage_ = {};
    diff_.begin(join_path(state_.pool.root, begun.scope.below), begun.scope.recursive);
    if (!begun.scope.below.empty() || !begun.scope.recursive) return;
    state_.nested.clear();
    state_.remarks.clear();
    state_.remarks_left_out = 0;
}

void PoolView::take_facts(const PoolFacts& facts) {
    if (!facts.marker.id.is_none()) coverage_.markers.insert(facts.marker.id);
    state_.mount = facts.mount;
    state_.marker = facts.marker;
    auto& pool = state_.pool;
    pool.id = facts.marker.id;
    pool.filesystem = facts.mount.filesystem;
    pool.shared = facts.mount.network;
    pool.health = PoolHealth::Good;
    pool.reason = facts.marker_reason;
    if (auto copied = copied_reason(facts.marker, facts.mount.filesystem)) {
        // It keeps its id until a person removes one of the markers; then a new one is written.
        pool.health = PoolHealth::Copied;
        pool.reason = std::move(*copied);
        was_marked_ = false;
    } else if (!facts.marker.id.is_none()) {
        was_marked_ = true;
    } else {
        pool.health = was_marked_ ? PoolHealth::Missing : PoolHealth::ReadOnly;
    }
}

void PoolView::take_nested(const NestedMarker& nested) {
    coverage_.markers.insert(nested.marker.id);
    const auto known = std::find_if(state_.nested.begin(),
                                    state_.nested.end(),
                                    [&](const auto& other) { return other.below == nested.below; });
    if (known != state_.nested.end()) {
        *known = nested;
    } else if (state_.nested.size() < max_nested) {
        state_.nested.push_back(nested);
    }
}

void PoolView::take_remark(const ScanRemark& remark) {
    if (remark.kind == RemarkKind::Unreadable) {
        if (coverage_.unreadable.size() < max_unreadable) {
            coverage_.unreadable.push_back(join_path(state_.pool.root, remark.below));
        } else {
            coverage_.is_complete = false;
        }
    }
    if (std::find(state_.remarks.begin(), state_.remarks.end(), remark) != state_.remarks.end()) {
        return;
    }
    if (state_.remarks.size() < max_remarks) {
        state_.remarks.push_back(remark);
    } else {
        ++state_.remarks_left_out;
    }
}

std::string PoolView::left_out() const {
    // A link to a directory above it hides nothing.
    const auto hides = [](const auto& remark) { return remark.kind != RemarkKind::LinkLoop; };
    const auto& remarks = state_.remarks;
    const auto first = std::find_if(remarks.begin(), remarks.end(), hides);
    if (first == remarks.end()) return {};
    const auto more = static_cast<std::uint64_t>(std::count_if(first, remarks.end(), hides)) - 1 +
                      state_.remarks_left_out;
    return fmt::format("left out {}: {}{}",
                       first->below.empty() ? "." : first->below,
                       first->text,
                       more == 0 ? std::string{} : fmt::format(", and {} more", more));
}

PathChanges PoolView::take_found(const FoundFile& file) {
    if (!scanning_) return {};
    const auto config = join_path(state_.pool.root, file.below);
    const auto fingerprint = fingerprint_of(file);
    if (diff_.confirm(config, fingerprint)) return {};
    return diff_.see(read_finding(file, state_.pool.root, worker_), fingerprint);
}

PathChanges PoolView::take_ended(const ScanEnded& ended) {
    if (!scanning_) return {};
    scanning_ = false;
    if (!ended.root_problem.empty()) {
        coverage_ = {};
        state_.pool.health = PoolHealth::Missing;
        state_.pool.reason = ended.root_problem;
    }
    if (ended.scope.below.empty() && ended.scope.recursive) state_.directories = ended.directories;
    state_.watching = ended.watching;
    state_.polling_reason = ended.polling_reason;
    if (state_.pool.reason.empty()) state_.pool.reason = left_out();
    auto changes = diff_.end(coverage_);
    state_.pool.vms = diff_.vms();
    return changes;
}

} // namespace ctys::agent
