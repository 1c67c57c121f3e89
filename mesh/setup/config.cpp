#include "mesh/setup/config.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::setup {

namespace {

constexpr std::size_t max_file_bytes = 1 << 20; // a larger one is a mistake
constexpr std::array<std::string_view, 3> programs = {"broker", "agent", "ctys"};

Result<std::string> read_open_file(int file, const std::string& path) {
    struct stat facts {};
    if (::fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return fail(ErrorCode::Storage, fmt::format("{} is not a regular file", path));
    }
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) {
        return fail(
            ErrorCode::Refused,
            fmt::format("{} belongs to user {}, not to root or to this user", path, facts.st_uid));
    }
    if ((facts.st_mode & S_IWOTH) != 0) {
        return fail(ErrorCode::Refused, fmt::format("{} is writable by everybody", path));
    }
    std::string text;
    std::array<char, 16'384> chunk{};
    for (;;) {
        const auto size = ::read(file, chunk.data(), chunk.size());
        if (size < 0) {
            return fail(ErrorCode::Storage, fmt::format("read {}: {}", path, std::strerror(errno)));
        }
        if (size == 0) return text;
        text.append(chunk.data(), static_cast<std::size_t>(size));
        if (text.size() > max_file_bytes) {
            return fail(ErrorCode::Refused, fmt::format("{} is larger than 1 MiB", path));
        }
    }
}

bool is_for(const std::filesystem::path& file, std::string_view program) {
    const auto stem = file.stem().string();
    const auto words = split(stem, '-');
    const auto names = [&](std::string_view word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    };
    return names(program) || std::none_of(programs.begin(), programs.end(), names);
}

std::string variable_name(std::string_view setting) {
    std::string name = "CTYS_";
    for (const char letter : setting) {
        const bool keep = std::isalnum(static_cast<unsigned char>(letter)) != 0;
        name += keep ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : '_';
    }
    return name;
}

} // namespace

Result<std::vector<Assignment>> read_config_file(const std::string& path) {
    // Non-blocking: a pipe in this place must not hang the start.
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return fail(errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Storage,
                    fmt::format("open {}: {}", path, std::strerror(errno)));
    }
    const auto text = read_open_file(file, path);
    ::close(file);
    if (!text) return tl::unexpected(text.error());
    return parse_toml(*text, path);
}

ConfigPlaces config_places() {
    ConfigPlaces places;
    const char* only = ::secure_getenv("CTYS_CONFIG_DIR");
    if (only != nullptr && only[0] == '/') {
        places.system = only;
        places.is_single = true;
        return places;
    }
    const char* config = ::secure_getenv("XDG_CONFIG_HOME");
    const char* home = ::secure_getenv("HOME");
    if (config != nullptr && config[0] == '/') {
        places.user = std::string(config) + "/ctys";
    } else if (home != nullptr && home[0] == '/') {
        places.user = std::string(home) + "/.config/ctys";
    }
    return places;
}

std::vector<std::string> config_files(const ConfigPlaces& places, std::string_view program) {
    std::vector<std::string> files;
    std::error_code code;
    const auto add = [&](const std::string& path) {
        if (std::filesystem::exists(path, code)) files.push_back(path);
    };
    add(fmt::format("{}/{}.toml", places.system, program));
    std::vector<std::string> parts;
    const std::filesystem::directory_iterator entries(places.system + "/conf.d", code);
    for (const auto& entry : entries) {
        const auto& path = entry.path();
        if (path.extension() == ".toml" && is_for(path, program)) parts.push_back(path.string());
    }
    std::sort(parts.begin(), parts.end());
    files.insert(files.end(), parts.begin(), parts.end());
    if (!places.user.empty()) add(fmt::format("{}/{}.toml", places.user, program));
    return files;
}

std::vector<Assignment> assignments_from_environment(std::span<const SettingRule> rules,
                                                     const Variable& variable) {
    std::vector<Assignment> assignments;
    for (const auto& rule : rules) {
        if (rule.name.find('*') != std::string_view::npos) continue;
        auto name = variable_name(rule.name);
        auto value = variable(name);
        if (!value) continue;
        assignments.push_back({.name = std::string(rule.name),
                               .value = std::move(*value),
                               .origin = std::move(name)});
    }
    return assignments;
}

Result<Settings> load_settings(std::string_view program,
                               std::span<const SettingRule> rules,
                               std::span<const Assignment> command_line,
                               const std::string& only_file) {
    const auto files =
        only_file.empty() ? config_files(config_places(), program) : std::vector{only_file};
    std::vector<Assignment> all;
    const auto append = [&all](const auto& more) {
        all.insert(all.end(), more.begin(), more.end());
    };
    for (const auto& file : files) {
        const auto read = read_config_file(file);
        if (!read) return tl::unexpected(read.error());
        append(*read);
    }
    append(assignments_from_environment(rules, [](const auto& name) -> std::optional<std::string> {
        const char* value = ::secure_getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
    }));
    append(command_line);
    return Settings::merge(rules, all);
}

} // namespace ctys::setup
