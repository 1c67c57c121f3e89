#include "tools/create_conf/inputs.h"

#include "mesh/core/text.h"
#include "mesh/loop/id_source.h"
#include "mesh/qemu/configuration.h"
#include "tools/create_conf/bash_defaults.h"
#include "tools/qemu_call/file_error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ctys::conf {

namespace {

// The second one is how seed 2 spells it.
constexpr auto folders =
    std::to_array<std::string_view>({"ctys-createConfVM.d", "ctys-createCofVM.d"});

bool exists(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
}

std::string text_if_any(const std::string& path) {
    auto text = read_text(path);
    return text ? std::move(*text) : std::string{};
}

std::vector<std::string> default_folders(const InputPlaces& places) {
    std::vector<std::string> out;
    for (const auto folder : folders) {
        if (!places.home.empty()) out.push_back(fmt::format("{}/.ctys/{}", places.home, folder));
    }
    for (const auto folder : folders) {
        out.push_back(fmt::format("/etc/ctys/{}", folder));
    }
    return out;
}

Result<Values> read_defaults(const std::string& path, std::vector<std::string>& notes) {
    auto text = read_text(path);
    if (!text) return tl::unexpected(text.error());
    auto configuration = qemu::read_configuration(*text, path);
    if (!configuration) return wrap(path, configuration.error());
    const auto unknown =
        put_in_defaults(*configuration, path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
    Values out;
    for (const auto& setting : configuration->vm.settings) {
        const auto* variable = find_variable(setting.key);
        if (variable == nullptr || variable->name == "LABEL" || trim(setting.value).empty())
            continue;
        out.emplace(
            variable->name,
            Value{setting.value, Origin::DefaultsFile, fmt::format("{}:{}", path, setting.line)});
    }
    for (const auto& setting : unknown) {
        // NAME=${NAME} only says that the environment may give it.
        const bool itself = setting.value == fmt::format("${{{}}}", setting.key);
        if (find_variable(setting.key) == nullptr || itself) continue;
        notes.push_back(fmt::format("{}:{}: {} is no constant and is not used",
                                    printable(path),
                                    setting.line,
                                    setting.key));
    }
    return out;
}

Status
read_distributions(const std::string& folder, Sources& sources, std::vector<std::string>& notes) {
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator{folder + "/defaults-sources.d", none}) {
        if (entry.path().extension() != ".ctys") continue;
        auto values = read_defaults(entry.path().string(), notes);
        if (!values) return tl::unexpected(values.error());
        sources.of_distribution.emplace(letters_of(entry.path().stem().string()),
                                        std::move(*values));
    }
    return {};
}

std::string word_of_release(std::string_view text, std::string_view key) {
    for (const auto line : split(text, '\n')) {
        if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != '=')
            continue;
        auto value = trim(line.substr(key.size() + 1));
        if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
        return printable(value, 64);
    }
    return {};
}

} // namespace

Result<std::string> read_text(const std::string& path) {
    // A pipe has no end to wait for.
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT)
        return fail(ErrorCode::NotFound, fmt::format("{} does not exist", printable(path)));
    if (file < 0) return call::file_error("read", path);
    std::string out;
    std::array<char, 65536> bytes{};
    ssize_t count = 1;
    while (count > 0 && out.size() <= qemu::max_configuration_bytes) {
        count = ::read(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            count = 1;
        else if (count > 0)
            out.append(bytes.data(), static_cast<std::size_t>(count));
    }
    const int error = errno;
    ::close(file);
    errno = error;
    if (count < 0) return call::file_error("read", path);
    if (out.size() > qemu::max_configuration_bytes)
        return fail(ErrorCode::Malformed,
                    fmt::format("{} is too large for a text", printable(path)));
    return out;
}

Values environment_values() {
    Values out;
    for (const auto& variable : variables()) {
        if (variable.name == "LABEL") continue;
        auto names = split(variable.other_names, ' ');
        names.insert(names.begin(), variable.name);
        for (const auto name : names) {
            const char* text = name.empty() ? nullptr : std::getenv(std::string{name}.c_str());
            if (text == nullptr || *text == '\0') continue;
            const bool other = name != variable.name;
            out.emplace(variable.name,
                        Value{text, Origin::Environment, other ? std::string{name} : ""});
        }
    }
    return out;
}

std::vector<std::string> environment_notes() {
    std::vector<std::string> out;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        if (!text.starts_with("DOMU_")) continue;
        out.push_back(fmt::format("{}: of a Xen guest, no VM of QEMU has it; INST_KERNEL, "
                                  "INST_INITRD, INST_EXTRA and INST_ROOTARGS are those of QEMU",
                                  printable(text.substr(0, text.find('=')), 64)));
    }
    std::sort(out.begin(), out.end());
    return out;
}

Result<std::vector<std::string>> load_defaults(const InputPlaces& places, Sources& sources) {
    std::vector<std::string> notes;
    if (!places.load_defaults) return notes;
    if (!places.defaults_file.empty()) {
        auto values = read_defaults(places.defaults_file, notes);
        if (!values) return tl::unexpected(values.error());
        sources.defaults = std::move(*values);
    }
    for (const auto& folder : default_folders(places)) {
        if (auto read = read_distributions(folder, sources, notes); !read)
            return tl::unexpected(read.error());
        const auto file = folder + "/defaults-QEMU.ctys";
        if (!sources.defaults.empty() || !places.defaults_file.empty() || !exists(file)) continue;
        auto values = read_defaults(file, notes);
        if (!values) return tl::unexpected(values.error());
        sources.defaults = std::move(*values);
    }
    return notes;
}

AddressBook read_addresses(const InputPlaces& places) {
    AddressBook book;
    if (!places.macmap.empty()) {
        book.add_macmap(text_if_any(places.macmap), places.macmap);
    } else {
        const auto own = places.home + "/.ctys/db/default/macmap.fdb";
        if (!places.home.empty()) book.add_macmap(text_if_any(own), own);
        book.add_macmap(text_if_any("/etc/ctys/db/default/macmap.fdb"),
                        "/etc/ctys/db/default/macmap.fdb");
    }
    book.add_ethers(text_if_any(places.ethers), places.ethers);
    book.add_hosts(text_if_any(places.hosts), places.hosts);
    return book;
}

HostFacts read_host_facts() {
    HostFacts out{.uid = ::getuid(), .gid = ::getgid()};
    std::array<char, 4096> room{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(out.uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr)
        out.user = printable(found->pw_name, 64);
    if (out.user.empty()) out.user = fmt::to_string(out.uid);
    utsname kernel{};
    if (::uname(&kernel) == 0) {
        out.host = printable(kernel.nodename, 64);
        out.arch = kernel.machine;
        out.os = kernel.sysname;
        out.os_release = kernel.release;
    }
    const auto release = text_if_any("/etc/os-release");
    out.dist = word_of_release(release, "ID");
    out.dist_release = word_of_release(release, "VERSION_ID");
    const int kvm = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
    out.kvm = kvm >= 0;
    if (kvm >= 0) ::close(kvm);
    return out;
}

Result<Found> look_around(const std::string& folder,
                          const std::vector<NewFile>& files,
                          const std::vector<std::string>& others,
                          const std::string& image) {
    Found out{.others = others};
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator{folder, error};
         !error && entry != std::filesystem::directory_iterator{};
         entry.increment(error)) {
        out.names.insert(entry->path().filename().string());
    }
    if (error && error != std::errc::no_such_file_or_directory)
        return fail(ErrorCode::Failed,
                    fmt::format("cannot look into {}: {}", printable(folder), error.message()));
    auto wanted = others;
    for (const auto& file : files) {
        wanted.push_back(file.name);
    }
    for (const auto& name : wanted) {
        if (!out.names.contains(name)) continue;
        if (auto text = read_text(folder + "/" + name)) out.texts.emplace(name, std::move(*text));
    }
    struct stat status {};
    out.image = ::stat(image.c_str(), &status) == 0;
    out.is_device = out.image && !S_ISREG(status.st_mode);
    return out;
}

Uuid random_uuid() {
    loop::SystemIdSource ids;
    return ids.next_uuid();
}

Stamp stamp_of_now(std::string version) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    const auto size = std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts);
    return {.date = std::string(text.data(), size), .version = std::move(version)};
}

} // namespace ctys::conf
