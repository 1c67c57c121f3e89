#include "agent/survey/survey_cache.h"

#include "mesh/core/text.h"

#include <algorithm>

namespace ctys::agent {

namespace {

constexpr std::size_t most_entries = 256;
constexpr std::size_t most_tried = 8;
constexpr std::size_t most_tried_path = 4096;

/// Beyond 63 bits a number of the file system is kept as text would be: not at all.
std::int64_t number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

qmp::Value accelerator_value(const Accelerator& accelerator) {
    return qmp::Value::object(
        {{"name", accelerator.name}, {"usable", accelerator.usable}, {"why", accelerator.why}});
}

std::optional<Accelerator> accelerator_from(const qmp::Value& value, std::string_view member) {
    const auto* found = value.find(member);
    if (found == nullptr) return std::nullopt;
    const auto name = found->text("name");
    const auto usable = found->boolean("usable");
    if (!name || !usable) return std::nullopt;
    return Accelerator{.name = printable(*name, 32),
                       .usable = *usable,
                       .why = printable(found->text("why").value_or(""), 400)};
}

qmp::Value value_of_paths(const std::vector<std::string>& paths) {
    auto list = qmp::Value::list();
    for (const auto& path : paths) {
        list.append(path);
    }
    return list;
}

std::vector<std::string> paths_at(const qmp::Value& value, std::string_view member) {
    std::vector<std::string> paths;
    for (const auto& each : value.items(member)) {
        const auto path = each.text();
        if (path && paths.size() < most_tried) paths.push_back(printable(*path, most_tried_path));
    }
    return paths;
}

/// One that has failed is not believed for ever, nor one from the future.
bool is_fresh(bool failed, WallTime at, WallTime now) {
    return !failed || (at <= now && now - at < SurveyCache::failure_life);
}

} // namespace

SurveyCache SurveyCache::parse(std::string_view text) {
    SurveyCache cache;
    for (const auto line : split(text, '\n')) {
        if (!trim(line).empty()) cache.parse_line(line);
        if (cache.entries_.size() == most_entries) break;
    }
    return cache;
}

void SurveyCache::parse_line(std::string_view line) {
    const auto value = qmp::Value::parse(line);
    if (!value || !value->is_object()) return;
    const WallTime at{value->integer("at_us").value_or(0)};
    if (const auto circumstances = value->text("circumstances")) {
        const auto tcg = accelerator_from(*value, "tcg");
        const auto kvm = accelerator_from(*value, "kvm");
        // Those of an older agent do not tell with which builds they were made.
        if (tcg && kvm && value->find("up") != nullptr) {
            keep_trials(*circumstances,
                        {*tcg, *kvm, paths_at(*value, "up"), paths_at(*value, "failed")},
                        at);
        }
        return;
    }
    const auto* told = value->find("emulator");
    if (told == nullptr) return;
    auto description = description_from(*told);
    const auto device = value->integer("device");
    const auto inode = value->integer("inode");
    const auto size = value->integer("size");
    const auto changed = value->integer("mtime_ns");
    if (!description || !device || !inode || !size || !changed) return;
    entries_.push_back({.key = {.path = description->path,
                                .device = static_cast<std::uint64_t>(*device),
                                .inode = static_cast<std::uint64_t>(*inode),
                                .size = static_cast<std::uint64_t>(*size),
                                .changed_ns = *changed},
                        .description = std::move(*description),
                        .at = at});
}

std::string SurveyCache::to_text() const {
    std::string out;
    for (const auto& entry : entries_) {
        if (!entry.is_used) continue;
        out += qmp::Value::object({{"at_us", entry.at.us},
                                   {"device", number(entry.key.device)},
                                   {"inode", number(entry.key.inode)},
                                   {"size", number(entry.key.size)},
                                   {"mtime_ns", entry.key.changed_ns},
                                   {"emulator", to_value(entry.description)}})
                   .to_json() +
               '\n';
    }
    if (circumstances_.empty()) return out;
    return out +
           qmp::Value::object({{"at_us", tried_.us},
                               {"circumstances", circumstances_},
                               {"tcg", accelerator_value(trials_.tcg)},
                               {"kvm", accelerator_value(trials_.kvm)},
                               {"up", value_of_paths(trials_.up)},
                               {"failed", value_of_paths(trials_.failed)}})
               .to_json() +
           '\n';
}

std::optional<Description> SurveyCache::find(const FileKey& key, WallTime now) {
    for (auto& entry : entries_) {
        if (entry.key != key) continue;
        if (!is_fresh(!entry.description.problem.empty(), entry.at, now)) continue;
        entry.is_used = true;
        return entry.description;
    }
    return std::nullopt;
}

void SurveyCache::keep(const FileKey& key, const Description& description, WallTime now) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.key.path == key.path; });
    entries_.push_back({.key = key, .description = description, .at = now, .is_used = true});
}

std::optional<SurveyCache::Trials> SurveyCache::find_trials(const std::string& circumstances,
                                                            WallTime now) const {
    if (circumstances.empty() || circumstances != circumstances_) return std::nullopt;
    const bool failed = !trials_.kvm.usable || !trials_.tcg.usable;
    if (!is_fresh(failed, tried_, now)) return std::nullopt;
    return trials_;
}

void SurveyCache::keep_trials(const std::string& circumstances,
                              const Trials& trials,
                              WallTime now) {
    circumstances_ = circumstances;
    trials_ = trials;
    tried_ = now;
}

} // namespace ctys::agent
