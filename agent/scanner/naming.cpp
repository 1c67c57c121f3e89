#include "agent/scanner/naming.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys::agent {

namespace {

// Lookup order of the original (CTYS-REFERENCE 4.1) without .vmx, which is no QEMU's.
constexpr std::array<std::string_view, 2> suffixes = {".ctys", ".conf"};

} // namespace

std::string normal_path(std::string_view path, std::string_view cwd) {
    std::string whole;
    if (!path.starts_with('/')) whole = std::string(cwd) + "/";
    whole += path;
    std::vector<std::string_view> kept;
    for (const auto part : split(whole, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..") {
            kept.push_back(part);
        } else if (!kept.empty()) {
            kept.pop_back();
        }
    }
    std::string out;
    for (const auto part : kept) {
        out += '/';
        out += part;
    }
    return out.empty() ? "/" : out;
}

std::string_view directory_of(std::string_view path) {
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos) return {};
    return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

std::string join_path(std::string_view root, std::string_view below) {
    if (below.empty()) return std::string(root);
    return fmt::format("{}/{}", root == "/" ? "" : root, below);
}

std::string_view prefix_of(std::string_view file_name) {
    const auto dot = file_name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return file_name;
    return file_name.substr(0, dot);
}

std::vector<NamingMatch> candidate_configurations(const RunningImage& running) {
    const bool has_image = !running.image.empty();
    const auto image = normal_path(running.image, running.cwd);
    const std::string directory(has_image ? directory_of(image) : image);
    const std::array<std::pair<NamingConvention, std::string_view>, 3> prefixes = {{
        {NamingConvention::Directory, name_of(directory)},
        {NamingConvention::Image, has_image ? prefix_of(name_of(image)) : std::string_view{}},
        {NamingConvention::Label, running.label},
    }};
    std::vector<NamingMatch> out;
    for (const auto& [convention, prefix] : prefixes) {
        // A label is free text: with a slash it would point out of the directory.
        if (prefix.empty() || prefix.find('/') != std::string_view::npos) continue;
        for (const auto suffix : suffixes) {
            auto config = fmt::format("{}/{}{}", directory == "/" ? "" : directory, prefix, suffix);
            const auto known = std::any_of(
                out.begin(), out.end(), [&](const auto& other) { return other.config == config; });
            if (!known) out.push_back({std::move(config), convention});
        }
    }
    return out;
}

std::optional<NamingMatch> match_configuration(const RunningImage& running,
                                               std::span<const std::string> existing_files) {
    for (auto& candidate : candidate_configurations(running)) {
        if (std::find(existing_files.begin(), existing_files.end(), candidate.config) !=
            existing_files.end()) {
            return candidate;
        }
    }
    return std::nullopt;
}

} // namespace ctys::agent
