#include "mesh/setup/emulator_folders.h"

#include "mesh/core/text.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <memory>

namespace ctys::setup {

namespace {

constexpr std::size_t most_folders = 64;
constexpr std::size_t most_names = 4096; // of /opt; beyond that it is no folder of programs

std::vector<std::string> texts_of(const char* variable, char separator) {
    std::vector<std::string> out;
    if (variable == nullptr) return out;
    for (const auto part : split(variable, separator)) {
        if (!trim(part).empty()) out.emplace_back(trim(part));
    }
    return out;
}

std::vector<std::string> names_in(const char* folder) {
    std::vector<std::string> out;
    const std::unique_ptr<DIR, int (*)(DIR*)> opened{::opendir(folder), ::closedir};
    if (!opened) return out;
    while (const auto* entry = ::readdir(opened.get())) {
        out.emplace_back(entry->d_name);
        if (out.size() == most_names) break;
    }
    return out;
}

} // namespace

std::vector<std::string> emulator_folders(const EmulatorPlaces& places) {
    std::vector<std::string> out;
    const auto add = [&](std::string folder) {
        while (folder.size() > 1 && folder.back() == '/')
            folder.pop_back();
        if (!folder.starts_with('/') || out.size() >= most_folders) return;
        if (std::find(out.begin(), out.end(), folder) == out.end()) out.push_back(folder);
    };
    for (const auto& folder : places.given)
        add(folder);
    for (const auto folder : split(places.path, ':'))
        add(std::string{folder});
    add("/opt/qemu/bin");
    auto builds = places.opt;
    std::erase_if(builds, [](const std::string& name) {
        return !name.starts_with("qemu-") || name.find('/') != std::string::npos;
    });
    // As versions count: 7.10 is newer than 7.2.
    std::sort(builds.begin(), builds.end(), [](const std::string& a, const std::string& b) {
        return ::strverscmp(a.c_str(), b.c_str()) > 0;
    });
    for (const auto& name : builds)
        add("/opt/" + name + "/bin");
    for (const auto* folder : {"/usr/local/bin", "/usr/bin", "/usr/libexec", "/usr/lib/qemu"})
        add(folder);
    return out;
}

std::vector<std::string> emulator_folders(std::vector<std::string> given) {
    if (given.empty()) given = texts_of(std::getenv("CTYS_EMULATORS_FOLDERS"), ',');
    const char* path = std::getenv("PATH");
    return emulator_folders(EmulatorPlaces{.given = std::move(given),
                                           .path = path == nullptr ? std::string{} : path,
                                           .opt = names_in("/opt")});
}

bool is_emulator_name(std::string_view name) {
    constexpr std::string_view prefix = "qemu-system-";
    return (name.starts_with(prefix) && name.size() > prefix.size()) || name == "qemu-kvm";
}

} // namespace ctys::setup
