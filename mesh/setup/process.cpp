#include "mesh/setup/process.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/resource.h>
#include <unistd.h>

namespace ctys::setup {

namespace {

constexpr rlim_t wanted_descriptors = 65'536;

/// What a small file begins with, or nothing. A pipe has no end to wait for.
template <std::size_t most>
std::string beginning(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return {};
    std::string text(most, '\0');
    std::size_t size = 0;
    while (size < most) {
        const auto got = ::read(file, text.data() + size, most - size);
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    ::close(file);
    text.resize(size);
    return text;
}

std::string first_line(const std::string& path) {
    const auto all = beginning<256>(path);
    return std::string(trim(std::string_view{all}.substr(0, all.find('\n'))));
}

std::optional<Uuid> uuid_in(const std::string& path) {
    const auto uuid = Uuid::parse(first_line(path));
    if (!uuid || !uuid->identifies()) return std::nullopt;
    return *uuid;
}

std::string kernel_host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

} // namespace

Result<MachineFacts> read_machine_facts(const std::string& root) {
    const auto boot = BootId::parse(first_line(root + "/proc/sys/kernel/random/boot_id"));
    if (!boot) {
        return wrap("read /proc/sys/kernel/random/boot_id (is /proc mounted?)",
                    Error{.code = ErrorCode::Failed, .message = boot.error().message});
    }
    return MachineFacts{.boot = *boot,
                        .machine = uuid_in(root + "/etc/machine-id"),
                        .platform = uuid_in(root + "/sys/class/dmi/id/product_uuid"),
                        .host_name = kernel_host_name()};
}

Uuid uuid_of_machine(const std::string& vm_conf) {
    const auto text = beginning<64 * 1024>(vm_conf);
    for (const auto line : split(text, '\n')) {
        if (!line.starts_with("#@#UUID")) continue;
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        auto value = trim(line.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"')
            value = value.substr(1, value.find('"', 1) - 1);
        const auto parsed = Uuid::parse(value);
        if (parsed && parsed->identifies()) return *parsed;
    }
    return {};
}

Result<std::uint64_t> raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return fail(ErrorCode::Failed,
                    fmt::format("read the limit of open files: {}", std::strerror(errno)));
    }
    const auto reachable = std::min(wanted_descriptors, limit.rlim_max);
    if (limit.rlim_cur >= reachable) return limit.rlim_cur;
    limit.rlim_cur = reachable;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return fail(ErrorCode::Failed,
                    fmt::format("raise the limit of open files: {}", std::strerror(errno)));
    }
    return limit.rlim_cur;
}

std::string program_folder() {
    std::array<char, 4096> path{};
    const auto size = ::readlink("/proc/self/exe", path.data(), path.size());
    // What fills the room was cut off and names something else.
    if (size <= 0 || static_cast<std::size_t>(size) == path.size()) return {};
    const std::string_view own(path.data(), static_cast<std::size_t>(size));
    return std::string(own.substr(0, own.rfind('/')));
}

std::string program_beside(std::string_view name) {
    const auto beside = fmt::format("{}/{}", program_folder(), name);
    return ::access(beside.c_str(), X_OK) == 0 ? beside : std::string(name);
}

std::vector<LeakyDescriptor> leaky_descriptors() {
    std::vector<LeakyDescriptor> leaky;
    std::error_code code;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", code)) {
        const auto name = entry.path().filename().string();
        int descriptor = -1;
        std::from_chars(name.data(), name.data() + name.size(), descriptor);
        if (descriptor <= 2) continue;
        const int flags = ::fcntl(descriptor, F_GETFD);
        if (flags < 0 || (flags & FD_CLOEXEC) != 0) continue;
        std::error_code gone;
        leaky.push_back({descriptor, std::filesystem::read_symlink(entry.path(), gone).string()});
    }
    std::sort(leaky.begin(), leaky.end(), [](const auto& a, const auto& b) {
        return a.descriptor < b.descriptor;
    });
    return leaky;
}

} // namespace ctys::setup
