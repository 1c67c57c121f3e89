#pragma once

#include "mesh/setup/settings.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::setup {

/// Reads one TOML document; `path` is for messages. Tables become dotted names. Errors: Usage, with
/// path and line: not TOML, a date, a list of other things than texts.
[[nodiscard]] Result<std::vector<Assignment>> parse_toml(std::string_view text,
                                                         const std::string& path);

/// Reads a file of at most 1 MiB. It must belong to root or this user and not be writable by
/// everybody: it can name commands that are run. Errors: those of parse_toml, NotFound, Refused,
/// Storage.
[[nodiscard]] Result<std::vector<Assignment>> read_config_file(const std::string& path);

struct ConfigPlaces {
    std::string system = "/etc/ctys"; ///< holds <program>.toml and conf.d/
    std::string user;                 ///< ~/.config/ctys, holds <program>.toml; empty for none

    /// Where this user's own keys are kept; empty where there is no place.
    [[nodiscard]] const std::string& own() const { return is_single ? system : user; }
    bool is_single = false; ///< CTYS_CONFIG_DIR: one folder is both
};

/// The places of this process: CTYS_CONFIG_DIR alone where it is set (an absolute path), else
/// /etc/ctys and what XDG_CONFIG_HOME or HOME give.
[[nodiscard]] ConfigPlaces config_places();

/// The files that exist, in the order in which they are read: system/<program>.toml, then
/// system/conf.d/*.toml by name, then user/<program>.toml. `program` is broker, agent or ctys. A
/// file in conf.d whose name has one of these words ("50-agent.toml") is for that program only.
[[nodiscard]] std::vector<std::string> config_files(const ConfigPlaces& places,
                                                    std::string_view program);

/// Value of an environment variable, none where it is not set.
using Variable = std::function<std::optional<std::string>(const std::string& name)>;

/// CTYS_ and the name in upper case with '_' for '.': CTYS_STORE_MAP_SIZE. Other CTYS_ variables
/// are left alone, they belong to other programs.
[[nodiscard]] std::vector<Assignment>
assignments_from_environment(std::span<const SettingRule> rules, const Variable& variable);

/// Files, then environment, then `command_line`, merged. With `only_file` (--config) just that file
/// is read, and must exist. Errors: those of read_config_file and Settings::merge.
[[nodiscard]] Result<Settings> load_settings(std::string_view program,
                                             std::span<const SettingRule> rules,
                                             std::span<const Assignment> command_line,
                                             const std::string& only_file = {});

} // namespace ctys::setup
