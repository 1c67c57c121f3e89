#include "agent/shell/cgroup_memory.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>

namespace ctys::agent {

namespace {

constexpr std::size_t most_text = 64UL * 1024;

// Both are files of the kernel, of some lines.
std::string text_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text(most_text, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

} // namespace

std::optional<std::string> oom_counter_of(std::string_view cgroups, std::string_view mount) {
    std::optional<std::string> unified;
    for (const auto line : split(cgroups, '\n')) {
        const auto first = line.find(':');
        const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        const auto path = line.substr(second + 1);
        if (controllers.empty()) unified = fmt::format("{}{}/memory.events", mount, path);
        for (const auto controller : split(controllers, ',')) {
            if (controller == "memory")
                return fmt::format("{}/memory{}/memory.oom_control", mount, path);
        }
    }
    return unified;
}

std::optional<std::uint64_t> parse_oom_kills(std::string_view text) {
    for (const auto line : split(text, '\n')) {
        constexpr std::string_view key = "oom_kill ";
        if (!line.starts_with(key)) continue;
        const auto digits = trim(line.substr(key.size()));
        std::uint64_t count = 0;
        const auto [end, failure] =
            std::from_chars(digits.data(), digits.data() + digits.size(), count);
        if (failure == std::errc{} && end == digits.data() + digits.size()) return count;
    }
    return std::nullopt;
}

std::optional<OomCounter> OomCounter::of(std::uint32_t pid) {
    const auto path =
        oom_counter_of(text_of(fmt::format("/proc/{}/cgroup", pid)), "/sys/fs/cgroup");
    if (!path) return std::nullopt;
    const auto before = parse_oom_kills(text_of(*path));
    return before ? std::optional{OomCounter{*path, *before}} : std::nullopt;
}

std::uint64_t OomCounter::grown() const {
    const auto now = parse_oom_kills(text_of(path_));
    return now && *now > before_ ? *now - before_ : 0;
}

} // namespace ctys::agent
