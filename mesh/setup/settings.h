#pragma once

#include "mesh/core/error.h"
#include "mesh/core/time.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ctys::setup {

enum class SettingType : std::uint8_t {
    Boolean, ///< true, false (text also: yes, no, on, off, 1, 0)
    Integer,
    Duration, ///< text as of parse_duration, or a number of seconds
    Size,     ///< bytes: a number, or text with K, M, G or T (powers of 1024)
    Text,
    TextList, ///< a list of texts; as one text: separated by commas
};

/// One setting that a program knows. `name` is dotted ("store.map_size"); a part "*" stands for any
/// one name ("owner.*.shutdown"), such a setting has no default and is read from files only.
struct SettingRule {
    std::string_view name;
    SettingType type = SettingType::Text;
    std::string_view default_text;
    std::string_view description;
    std::string_view unit = {};       ///< for the documentation: "events", "bytes"
    std::int64_t minimum = INT64_MIN; ///< of Integer, and of Size in bytes
    std::int64_t maximum = INT64_MAX;
};

using SettingValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// A value given somewhere; later ones replace earlier ones of the same name.
struct Assignment {
    std::string name;
    SettingValue value;
    std::string origin; ///< "/etc/ctys/broker.toml:12", "CTYS_STORE_MAP_SIZE", "--map-size"
};

/// The settings of one process: complete, checked, and constant. Asking for a name that has no
/// rule, or with the wrong type, is a bug.
class Settings {
public:
    /// Defaults first, then the assignments in order. Pure. All wrong assignments are reported, up
    /// to 20 of them, as evidence. Errors: Usage, naming the origin and the nearest known name.
    [[nodiscard]] static Result<Settings> merge(std::span<const SettingRule> rules,
                                                std::span<const Assignment> assignments);

    [[nodiscard]] bool boolean(std::string_view name) const;
    [[nodiscard]] std::int64_t integer(std::string_view name) const;
    [[nodiscard]] Duration duration(std::string_view name) const;
    [[nodiscard]] std::uint64_t bytes(std::string_view name) const;
    [[nodiscard]] const std::string& text(std::string_view name) const;
    [[nodiscard]] const std::vector<std::string>& texts(std::string_view name) const;

    /// Names that were given for a rule with "*", sorted.
    [[nodiscard]] std::vector<std::string> names_like(std::string_view pattern) const;
    /// Where the value comes from; "default" where nobody gave one.
    [[nodiscard]] const std::string& origin(std::string_view name) const;

    /// For --print-config: "name = value   # origin" per line, sorted, readable as TOML.
    [[nodiscard]] std::string to_text() const;

private:
    using Stored =
        std::variant<bool, std::int64_t, Duration, std::string, std::vector<std::string>>;
    struct Setting {
        Stored value;
        std::string origin;
        SettingType type = SettingType::Text;
    };

    [[nodiscard]] static Result<Stored> convert(const SettingRule& rule, const SettingValue& value);
    [[nodiscard]] const Setting& setting(std::string_view name, SettingType type) const;

    std::map<std::string, Setting, std::less<>> settings_;
};

/// True when `name` matches `pattern` part by part.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name);

/// The rule name that takes the fewest changes of letters, or empty where none is near.
[[nodiscard]] std::string_view nearest_name(std::span<const SettingRule> rules,
                                            std::string_view name);

/// As a value in a TOML file, in quotes.
[[nodiscard]] std::string toml_quoted(std::string_view text);

/// "64G", "512M", "1024": powers of 1024. Errors: Malformed.
[[nodiscard]] Result<std::int64_t> parse_size(std::string_view text);

} // namespace ctys::setup
