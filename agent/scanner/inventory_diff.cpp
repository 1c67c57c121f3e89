#include "agent/scanner/inventory_diff.h"

#include "agent/scanner/mountinfo.h"
#include "agent/scanner/naming.h"

#include <algorithm>
#include <optional>

namespace ctys::agent {

namespace {

constexpr std::string_view no_marker =
    "not found, and its pool has no marker that would tell a deletion from a missing mount";
constexpr std::string_view other_marker =
    "not found, and neither is the marker of its pool: its storage may not be mounted";
constexpr std::string_view not_readable = "its directory cannot be read";

/// Why a path that was not found is stale; nothing where it is gone.
std::optional<std::string_view>
stale_reason(const std::string& config, const PoolId& pool, const ScanCoverage& coverage) {
    const auto covers = [&](const auto& directory) { return is_within(directory, config); };
    if (!coverage.is_complete ||
        std::any_of(coverage.unreadable.begin(), coverage.unreadable.end(), covers)) {
        return not_readable;
    }
    if (pool.is_none()) return no_marker;
    if (!coverage.markers.contains(pool)) return other_marker;
    return std::nullopt;
}

} // namespace

InventoryDiff::InventoryDiff(std::vector<KnownPath> known) {
    for (auto& path : known) {
        paths_[std::move(path.config)] = {path.vm, path.pool, path.fingerprint, path.health, 0};
    }
}

void InventoryDiff::begin(std::string directory, bool recursive) {
    directory_ = std::move(directory);
    recursive_ = recursive;
    ++scan_;
}

bool InventoryDiff::confirm(const std::string& config, std::uint64_t fingerprint) {
    const auto at = paths_.find(config);
    if (at == paths_.end() || at->second.fingerprint != fingerprint) return false;
    // Whether a path in doubt was good or ignored before is in the whole finding only.
    const auto health = at->second.health;
    if (health != PathHealth::Good && health != PathHealth::Ignored &&
        health != PathHealth::Unreadable) {
        return false;
    }
    at->second.seen_in = scan_;
    return true;
}

PathChanges InventoryDiff::see(FoundVm found, std::uint64_t fingerprint) {
    const auto& path = found.path;
    const auto at = paths_.find(path.config);
    const Entry now{found.vm.id, path.storage.pool, fingerprint, path.health, scan_};
    PathChanges changes;
    if (at == paths_.end()) {
        paths_.emplace(path.config, now);
        changes.push_back(PathFound{std::move(found)});
        return changes;
    }
    if (now.health == PathHealth::Unreadable && at->second.vm != now.vm) {
        auto& kept = at->second;
        const bool is_news = kept.health != now.health;
        kept.health = now.health;
        kept.fingerprint = fingerprint;
        kept.seen_in = scan_;
        if (is_news)
            changes.push_back(
                PathHealthAltered{path.config, kept.vm, now.health, path.health_reason});
        return changes;
    }
    const auto before = std::exchange(at->second, now);
    if (before.vm != now.vm) {
        changes.push_back(PathGone{path.config, before.vm});
        changes.push_back(PathFound{std::move(found)});
    } else if (before.fingerprint != fingerprint) {
        changes.push_back(PathAltered{std::move(found)});
    } else if (before.health != now.health) {
        changes.push_back(PathHealthAltered{path.config, now.vm, now.health, path.health_reason});
    }
    return changes;
}

bool InventoryDiff::in_scope(const std::string& config) const {
    if (!is_within(directory_, config)) return false;
    return recursive_ || directory_of(config) == directory_;
}

PathChanges InventoryDiff::end(const ScanCoverage& coverage) {
    PathChanges changes;
    for (auto at = paths_.lower_bound(directory_); at != paths_.end();) {
        auto& [config, entry] = *at;
        // All that begin with the directory's name follow it; of those, some are its siblings.
        if (!config.starts_with(directory_)) break;
        if (entry.seen_in == scan_ || !in_scope(config)) {
            ++at;
            continue;
        }
        const auto reason = stale_reason(config, entry.pool, coverage);
        if (!reason) {
            changes.push_back(PathGone{config, entry.vm});
            at = paths_.erase(at);
            continue;
        }
        if (entry.health != PathHealth::Stale) {
            entry.health = PathHealth::Stale;
            changes.push_back(
                PathHealthAltered{config, entry.vm, entry.health, std::string(*reason)});
        }
        ++at;
    }
    return changes;
}

PathChanges InventoryDiff::stall(const std::string& reason) {
    PathChanges changes;
    for (auto& [config, entry] : paths_) {
        if (entry.health == PathHealth::Stalled) continue;
        entry.health = PathHealth::Stalled;
        changes.push_back(PathHealthAltered{config, entry.vm, entry.health, reason});
    }
    return changes;
}

std::vector<KnownPath> InventoryDiff::known() const {
    std::vector<KnownPath> out;
    out.reserve(paths_.size());
    for (const auto& [config, entry] : paths_) {
        out.push_back({config, entry.vm, entry.pool, entry.fingerprint, entry.health});
    }
    return out;
}

std::uint32_t InventoryDiff::vms() const {
    return static_cast<std::uint32_t>(
        std::count_if(paths_.begin(), paths_.end(), [](const auto& known) {
            return known.second.health != PathHealth::Ignored;
        }));
}

} // namespace ctys::agent
