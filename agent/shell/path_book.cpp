#include "agent/shell/path_book.h"

namespace ctys::agent {

namespace {

Event about(const PathFacts& facts, EventKind kind, std::string text) {
    Event event{.kind = kind};
    event.vm = facts.vm.id;
    event.label = facts.vm.label;
    event.text = std::move(text);
    return event;
}

} // namespace

void PathBook::load(std::vector<PathFacts> facts) {
    for (auto& each : facts) {
        auto config = each.path.config;
        paths_.insert_or_assign(std::move(config), std::move(each));
    }
}

std::vector<KnownPath> PathBook::known_below(const std::string& root) const {
    std::vector<KnownPath> known;
    for (const auto& [config, facts] : paths_) {
        if (facts.path.pool_root != root) continue;
        // Fingerprint 0 never matches: the scan reports the path whole, and apply() compares.
        known.push_back({.config = config,
                         .vm = facts.vm.id,
                         .pool = facts.path.storage.pool,
                         .fingerprint = 0,
                         .health = facts.path.health});
    }
    return known;
}

const PathFacts* PathBook::find(const std::string& config) const {
    const auto found = paths_.find(config);
    return found == paths_.end() ? nullptr : &found->second;
}

std::vector<PathFacts> PathBook::all() const {
    std::vector<PathFacts> out;
    for (const auto& [config, facts] : paths_) {
        out.push_back(facts);
    }
    return out;
}

std::optional<Event> PathBook::found(const std::string& root, FoundVm found, WallTime now) {
    PathFacts facts{std::move(found.vm), std::move(found.path)};
    facts.path.pool_root = root;
    facts.path.vm = facts.vm.id;
    facts.path.last_seen = now;
    if (found.ignored) facts.path.health = PathHealth::Ignored;
    const auto known = paths_.find(facts.path.config);
    const bool is_new = known == paths_.end();
    facts.path.first_seen = is_new ? now : known->second.path.first_seen;
    auto& kept = paths_[facts.path.config];
    const auto before = std::exchange(kept, facts);
    auto compared = before;
    compared.path.last_seen = facts.path.last_seen;
    compared.path.worker = facts.path.worker;
    if (!is_new && compared == facts) return std::nullopt;
    auto event =
        about(facts, is_new ? EventKind::PathSeen : EventKind::PathChanged, facts.path.config);
    for (const auto& warning : found.warnings) {
        event.data.emplace_back("warning", warning);
    }
    event.payload = std::move(facts);
    return event;
}

std::optional<Event> PathBook::gone(const std::string& config,
                                    PathHealth health,
                                    const std::string& reason,
                                    WallTime now) {
    const auto known = paths_.find(config);
    if (known == paths_.end()) return std::nullopt;
    auto& path = known->second.path;
    if (path.health == health && path.health_reason == reason) return std::nullopt;
    path.health = health;
    path.health_reason = reason;
    if (health == PathHealth::Good) path.last_seen = now;
    const bool vanished = health == PathHealth::Vanished;
    auto event = about(known->second,
                       vanished ? EventKind::PathVanished : EventKind::PathHealth,
                       vanished ? config : fmt::format("{} {}", to_string(health), reason));
    event.payload = path;
    if (vanished) paths_.erase(known);
    return event;
}

std::vector<Event> PathBook::apply(const std::string& root, PathChanges changes, WallTime now) {
    std::vector<Event> events;
    const auto add = [&](std::optional<Event> event) {
        if (event) events.push_back(std::move(*event));
    };
    for (auto& change : changes) {
        if (auto* seen = std::get_if<PathFound>(&change))
            add(found(root, std::move(seen->found), now));
        if (auto* altered = std::get_if<PathAltered>(&change))
            add(found(root, std::move(altered->found), now));
        if (auto* lost = std::get_if<PathGone>(&change))
            add(gone(lost->config, PathHealth::Vanished, {}, now));
        if (auto* health = std::get_if<PathHealthAltered>(&change)) {
            add(gone(health->config, health->health, health->reason, now));
        }
    }
    return events;
}

} // namespace ctys::agent
