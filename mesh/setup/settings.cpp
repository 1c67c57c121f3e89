#include "mesh/setup/settings.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace ctys::setup {

namespace {

constexpr std::size_t max_reported = 20;
const std::string default_origin = "default";

const SettingRule* find_rule(std::span<const SettingRule> rules, std::string_view name) {
    const auto exact = std::find_if(
        rules.begin(), rules.end(), [&](const auto& rule) { return rule.name == name; });
    if (exact != rules.end()) return &*exact;
    const auto like = std::find_if(
        rules.begin(), rules.end(), [&](const auto& rule) { return matches(rule.name, name); });
    return like == rules.end() ? nullptr : &*like;
}

bool is_pattern(std::string_view name) {
    return name.find('*') != std::string_view::npos;
}

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const auto replaced = diagonal + (a[i] == b[j] ? 0U : 1U);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

std::optional<bool> boolean_from(std::string_view text) {
    const auto word = to_lower(trim(text));
    if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
    if (word == "false" || word == "no" || word == "off" || word == "0") return false;
    return std::nullopt;
}

std::optional<std::int64_t> integer_from(std::string_view text) {
    const auto word = trim(text);
    std::int64_t value = 0;
    const auto* end = word.data() + word.size();
    const auto [at, code] = std::from_chars(word.data(), end, value);
    if (code != std::errc{} || at != end) return std::nullopt;
    return value;
}

std::optional<Duration> duration_from(const SettingValue& value) {
    // More seconds than a century are a mistake, and would overflow microseconds at some point.
    constexpr double most = 100.0 * 366 * 86400;
    double seconds = -1;
    if (const auto* whole = std::get_if<std::int64_t>(&value))
        seconds = static_cast<double>(*whole);
    if (const auto* part = std::get_if<double>(&value)) seconds = *part;
    if (const auto* text = std::get_if<std::string>(&value)) {
        const auto parsed = parse_duration(trim(*text));
        return parsed ? std::optional(*parsed) : std::nullopt;
    }
    if (!(seconds >= 0 && seconds <= most)) return std::nullopt;
    return Duration{std::llround(seconds * 1e6)};
}

std::vector<std::string> list_from(std::string_view text) {
    std::vector<std::string> items;
    if (trim(text).empty()) return items;
    for (const auto item : split(text, ',')) {
        items.emplace_back(trim(item));
    }
    return items;
}

std::string_view expected_form(SettingType type) {
    switch (type) {
    case SettingType::Boolean:
        return "true or false";
    case SettingType::Integer:
        return "a whole number";
    case SettingType::Duration:
        return "a time like \"90s\" or \"1m30s\"";
    case SettingType::Size:
        return "a size like 4096 or \"64G\"";
    case SettingType::Text:
        return "a text";
    case SettingType::TextList:
        return "a list of texts";
    }
    return "";
}

tl::unexpected<Error> wrong_type(const SettingRule& rule) {
    return fail(ErrorCode::Usage,
                fmt::format("{} must be {}", rule.name, expected_form(rule.type)));
}

std::string to_toml(const std::vector<std::string>& items) {
    std::string out;
    for (const auto& item : items) {
        out += (out.empty() ? "" : ", ") + toml_quoted(item);
    }
    return "[" + out + "]";
}

std::string to_toml(Duration span) {
    const auto us = span.count();
    if (us % 1'000'000 == 0) return fmt::format("\"{}s\"", us / 1'000'000);
    if (us % 1'000 == 0) return fmt::format("\"{}ms\"", us / 1'000);
    return fmt::format("{}.{:06}", us / 1'000'000, us % 1'000'000);
}

} // namespace

std::string toml_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') out += '\\';
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned char>(letter));
        } else {
            out += letter;
        }
    }
    return out + '"';
}

bool matches(std::string_view pattern, std::string_view name) {
    const auto wanted = split(pattern, '.');
    const auto given = split(name, '.');
    return std::equal(
        wanted.begin(), wanted.end(), given.begin(), given.end(), [](auto want, auto part) {
            return want == part || (want == "*" && !part.empty());
        });
}

std::string_view nearest_name(std::span<const SettingRule> rules, std::string_view name) {
    // Hostile files must not cost quadratic time in their own length.
    if (name.size() > 100) return {};
    std::string_view nearest;
    auto best = name.size() / 2 + 1;
    for (const auto& rule : rules) {
        const auto changes = distance(name, rule.name);
        if (changes >= best) continue;
        best = changes;
        nearest = rule.name;
    }
    return nearest;
}

Result<std::int64_t> parse_size(std::string_view text) {
    auto word = trim(text);
    int shift = 0;
    constexpr std::string_view units = "KMGT";
    const auto unit = word.empty() ? std::string_view::npos : units.find(word.back());
    if (unit != std::string_view::npos) {
        shift = static_cast<int>(unit + 1) * 10;
        word.remove_suffix(1);
    }
    const auto number = integer_from(word);
    if (!number || *number < 0 || *number > (INT64_MAX >> shift)) {
        return fail(ErrorCode::Malformed,
                    fmt::format("\"{}\" is no size: use bytes, or K, M, G, T", printable(text)));
    }
    return *number << shift;
}

Result<Settings::Stored> Settings::convert(const SettingRule& rule, const SettingValue& value) {
    const auto* text = std::get_if<std::string>(&value);
    const auto* number = std::get_if<std::int64_t>(&value);
    std::optional<Stored> stored;
    switch (rule.type) {
    case SettingType::Boolean:
        if (const auto* flag = std::get_if<bool>(&value)) stored = *flag;
        if (const auto flag = text ? boolean_from(*text) : std::nullopt) stored = *flag;
        break;
    case SettingType::Integer:
        if (number != nullptr) stored = *number;
        if (const auto read = text ? integer_from(*text) : std::nullopt) stored = *read;
        break;
    case SettingType::Size:
        if (number != nullptr && *number >= 0) stored = *number;
        if (text != nullptr) {
            if (const auto read = parse_size(*text)) stored = *read;
        }
        break;
    case SettingType::Duration:
        if (const auto span = duration_from(value)) stored = *span;
        break;
    case SettingType::Text:
        if (text != nullptr && is_utf8(*text) && text->find('\0') == std::string::npos) {
            stored = *text;
        }
        break;
    case SettingType::TextList:
        if (const auto* list = std::get_if<std::vector<std::string>>(&value)) stored = *list;
        if (text != nullptr) stored = list_from(*text);
        break;
    }
    if (!stored) return wrong_type(rule);
    if (const auto* whole = std::get_if<std::int64_t>(&*stored);
        whole != nullptr && (*whole < rule.minimum || *whole > rule.maximum)) {
        return fail(ErrorCode::Usage, fmt::format("{} = {} is out of range", rule.name, *whole));
    }
    return *stored;
}

Result<Settings> Settings::merge(std::span<const SettingRule> rules,
                                 std::span<const Assignment> assignments) {
    Settings merged;
    for (const auto& rule : rules) {
        if (is_pattern(rule.name)) continue;
        auto value = convert(rule, std::string(rule.default_text));
        CTYS_ASSERT(value); // the default of a rule is ours
        merged.settings_[std::string(rule.name)] = {*value, default_origin, rule.type};
    }
    std::vector<std::string> wrong;
    for (const auto& given : assignments) {
        if (wrong.size() == max_reported) break;
        const auto* rule = find_rule(rules, given.name);
        if (rule == nullptr) {
            const auto nearest = nearest_name(rules, given.name);
            wrong.push_back(fmt::format("{}: unknown setting {}{}{}",
                                        given.origin,
                                        printable(given.name, 100),
                                        nearest.empty() ? "" : "; the nearest known one is ",
                                        nearest));
            continue;
        }
        auto value = convert(*rule, given.value);
        if (!value) {
            wrong.push_back(fmt::format("{}: {}", given.origin, value.error().message));
            continue;
        }
        merged.settings_[given.name] = {std::move(*value), given.origin, rule->type};
    }
    if (wrong.empty()) return merged;
    auto first = wrong.front();
    wrong.erase(wrong.begin());
    return fail(ErrorCode::Usage, std::move(first), "", std::move(wrong));
}

const Settings::Setting& Settings::setting(std::string_view name, SettingType type) const {
    const auto found = settings_.find(name);
    CTYS_ASSERT(found != settings_.end() && found->second.type == type);
    return found->second;
}

bool Settings::boolean(std::string_view name) const {
    return std::get<bool>(setting(name, SettingType::Boolean).value);
}

std::int64_t Settings::integer(std::string_view name) const {
    return std::get<std::int64_t>(setting(name, SettingType::Integer).value);
}

Duration Settings::duration(std::string_view name) const {
    return std::get<Duration>(setting(name, SettingType::Duration).value);
}

std::uint64_t Settings::bytes(std::string_view name) const {
    return static_cast<std::uint64_t>(
        std::get<std::int64_t>(setting(name, SettingType::Size).value));
}

const std::string& Settings::text(std::string_view name) const {
    return std::get<std::string>(setting(name, SettingType::Text).value);
}

const std::vector<std::string>& Settings::texts(std::string_view name) const {
    return std::get<std::vector<std::string>>(setting(name, SettingType::TextList).value);
}

std::vector<std::string> Settings::names_like(std::string_view pattern) const {
    std::vector<std::string> names;
    for (const auto& [name, setting] : settings_) {
        if (matches(pattern, name)) names.push_back(name);
    }
    return names;
}

const std::string& Settings::origin(std::string_view name) const {
    const auto found = settings_.find(name);
    CTYS_ASSERT(found != settings_.end());
    return found->second.origin;
}

std::string Settings::to_text() const {
    struct ToToml {
        std::string operator()(bool flag) const { return flag ? "true" : "false"; }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(Duration span) const { return to_toml(span); }
        std::string operator()(const std::string& text) const { return toml_quoted(text); }
        std::string operator()(const std::vector<std::string>& list) const { return to_toml(list); }
    };
    std::string out;
    for (const auto& [name, setting] : settings_) {
        out += fmt::format(
            "{} = {}   # {}\n", name, std::visit(ToToml{}, setting.value), setting.origin);
    }
    return out;
}

} // namespace ctys::setup
