#include "tools/qemu_call/configuration_check.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace ctys::call {

namespace {

constexpr std::size_t most_beside = 4096;

std::string place_in(const std::string& file, std::uint32_t line) {
    return fmt::format("{}:{}", printable(file), line);
}

// Empty for what is no text of a configuration.
std::string text_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::string out(qemu::max_configuration_bytes + 1, '\0');
    file.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return out.size() > qemu::max_configuration_bytes ? std::string{} : out;
}

// Where the label that counts comes from: the last assignment, which may be one of bash's.
std::uint32_t line_of_label(const qemu::Configuration& configuration) {
    std::uint32_t line = 0;
    const auto& all = configuration.vm.settings;
    for (std::size_t i = configuration.keys; i < all.size(); ++i) {
        if (all[i].key == "LABEL") line = std::max(line, all[i].line);
    }
    for (const auto& setting : configuration.dynamic) {
        if (setting.key == "LABEL") line = std::max(line, setting.line);
    }
    return line;
}

const Setting* key_of(const qemu::Configuration& configuration, std::string_view name) {
    for (std::size_t i = 0; i < configuration.keys; ++i) {
        const auto& setting = configuration.vm.settings[i];
        if (setting.key == name) return &setting;
    }
    return nullptr;
}

std::vector<qemu::Variant> variants_beside(const std::filesystem::path& path) {
    std::vector<qemu::Variant> out;
    std::error_code error;
    std::filesystem::directory_iterator entries{path.parent_path(), error};
    if (error) return out;
    for (const auto& entry : entries) {
        const auto name = entry.path().filename().string();
        if (!name.ends_with(".ctys") && !name.ends_with(".conf")) continue;
        // As the scan does: a link is no second configuration.
        if (name == path.filename() || entry.is_symlink(error) || !entry.is_regular_file(error))
            continue;
        if (out.size() == most_beside) break;
        const auto text = text_of(entry.path());
        if (text.find("MAGICID-QEMU") == std::string::npos) continue;
        if (auto read = qemu::read_configuration(text, entry.path().string()))
            out.push_back({name, std::move(*read)});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.file < b.file; });
    return out;
}

} // namespace

std::vector<Problem> judge_configuration(const std::string& file,
                                         const qemu::Configuration& configuration,
                                         const std::string& label,
                                         std::span<const qemu::Variant> beside,
                                         std::vector<std::string>& notes) {
    std::vector<Problem> out;
    const auto* key = key_of(configuration, "LABEL");
    if (key != nullptr && !label.empty() && key->value != label) {
        const auto line = line_of_label(configuration);
        out.push_back({"LABEL",
                       fmt::format("{} says #@#LABEL = \"{}\", {} LABEL=\"{}\"; they have to be "
                                   "the same",
                                   place_in(file, key->line),
                                   printable(key->value, 64),
                                   line == 0 ? "its wrapper" : place_in(file, line),
                                   printable(label, 64))});
    }
    for (const auto& peers : qemu::differing_peers(configuration)) {
        const auto& [first, second] = peers;
        const bool says_nothing = first.key == "LABEL" || first.value.empty();
        if (says_nothing || equals_ignoring_case(first.value, second.value)) continue;
        notes.push_back(fmt::format("{0} says #@#{1} = \"{2}\", {3} {1}=\"{4}\": lists show the "
                                    "first, the VM gets the second",
                                    place_in(file, first.line),
                                    first.key,
                                    printable(first.value, 64),
                                    place_in(file, second.line),
                                    printable(second.value, 64)));
    }
    for (const auto& other : qemu::other_masters(configuration, beside)) {
        out.push_back({"",
                       fmt::format("{} and {} are both the active master of this VM; all but one "
                                   "need the line #@#MAGICID-IGNORE",
                                   printable(file),
                                   printable(other)),
                       ErrorCode::Conflict});
    }
    return out;
}

std::vector<Problem> check_configuration(const std::string& path,
                                         const std::string& label,
                                         std::vector<std::string>& notes) {
    const auto configuration = qemu::read_configuration(text_of(path), path);
    if (!configuration) return {};
    const std::filesystem::path file{path};
    return judge_configuration(
        file.filename().string(), *configuration, label, variants_beside(file), notes);
}

} // namespace ctys::call
