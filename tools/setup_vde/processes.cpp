#include "tools/setup_vde/processes.h"

#include "mesh/core/text.h"
#include "mesh/loop/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <sys/stat.h>

// glibc 2.36 declares these functions without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace ctys::vde {

namespace {

constexpr std::size_t most_bytes = std::size_t{16} * 1024 * 1024;
constexpr int end_patience_ms = 3000;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

std::vector<std::string> names_in(const std::string& folder) {
    const std::unique_ptr<DIR, CloseFolder> open{::opendir(folder.c_str())};
    std::vector<std::string> names;
    while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
        names.emplace_back(static_cast<const char*>(entry->d_name));
    }
    return names;
}

pid_t pid_from(std::string_view text) {
    pid_t pid = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), pid);
    return failure == std::errc{} && end == text.data() + text.size() ? pid : 0;
}

pid_t parent_of(pid_t pid) {
    const auto stat = read_proc(fmt::format("/proc/{}/stat", pid));
    // Behind the name in parentheses, which may hold anything: state, parent.
    const auto words = split(std::string_view{stat}.substr(stat.rfind(')') + 1), ' ');
    return words.size() > 2 ? pid_from(words[2]) : 0;
}

// A container beside this one may have the same user and the same paths: its networks are others.
// What may not be read counts as here.
bool is_in_network_of_ours(const std::string& pid) {
    struct stat own {};
    struct stat other {};
    if (::stat("/proc/self/ns/net", &own) != 0) return true;
    if (::stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &other) != 0) return true;
    return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

bool ends_within(int pidfd, int milliseconds) {
    pollfd one{pidfd, POLLIN, 0};
    return ::poll(&one, 1, milliseconds) > 0;
}

} // namespace

bool is_switch_of(const std::vector<std::string>& argv, const std::string& data) {
    if (argv.empty()) return false;
    const auto& program = argv.front();
    if (program.substr(program.rfind('/') + 1) != "vde_switch") return false;
    for (std::size_t i = 1; i < argv.size(); ++i) {
        for (const std::string_view option : {"-s", "-sock", "--sock", "--vdesock", "--unix"}) {
            if (argv[i] == option && i + 1 < argv.size() && argv[i + 1] == data) return true;
            if (argv[i] == fmt::format("{}={}", option, data)) return true;
        }
    }
    return false;
}

pid_t find_switch_process(const std::string& data, uid_t uid) {
    for (const auto& name : names_in("/proc")) {
        const auto pid = pid_from(name);
        struct stat status {};
        if (pid == 0 || ::stat(("/proc/" + name).c_str(), &status) != 0 || status.st_uid != uid)
            continue;
        if (is_switch_of(command_line_of(pid), data) && is_in_network_of_ours(name)) return pid;
    }
    return 0;
}

Status kill_switch(const std::string& data, uid_t uid) {
    const auto pid = find_switch_process(data, uid);
    const loop::UniqueFd pidfd{pid == 0 ? -1 : ::pidfd_open(pid, 0)};
    // The number may have got another process meanwhile; from here on it cannot.
    if (!pidfd.is_open() || !is_switch_of(command_line_of(pid), data)) return {};
    for (const int signal : {SIGTERM, SIGKILL}) {
        if (::pidfd_send_signal(pidfd.value(), signal, nullptr, 0) != 0 && errno != ESRCH)
            return fail(ErrorCode::Refused, fmt::format("may not end process {}", pid));
        if (ends_within(pidfd.value(), end_patience_ms)) return {};
    }
    return fail(ErrorCode::Stuck, fmt::format("process {} survives SIGKILL", pid));
}

std::vector<std::string> command_line_of(pid_t pid) {
    const auto text = read_proc(fmt::format("/proc/{}/cmdline", pid));
    std::vector<std::string> argv;
    for (const auto word : split(text, '\0')) {
        argv.emplace_back(word);
    }
    argv.pop_back(); // behind the last NUL, or the one empty piece of nothing
    return argv;
}

std::vector<std::uint64_t> sockets_above() {
    std::vector<std::uint64_t> inodes;
    // A chain that is longer than any is one that changes while it is read.
    constexpr int most_ancestors = 64;
    pid_t pid = ::getpid();
    for (int i = 0; i < most_ancestors && pid > 0; ++i, pid = parent_of(pid)) {
        const auto folder = fmt::format("/proc/{}/fd", pid);
        for (const auto& name : names_in(folder)) {
            std::array<char, 64> target{};
            const auto length =
                ::readlink((folder + "/" + name).c_str(), target.data(), target.size());
            const std::string_view text{target.data(),
                                        static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
            std::uint64_t inode = 0;
            if (!text.starts_with("socket:[")) continue;
            std::from_chars(text.data() + 8, text.data() + text.size(), inode);
            inodes.push_back(inode);
        }
    }
    return inodes;
}

std::string read_proc(const std::string& path) {
    const loop::UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string text;
    std::array<char, 16384> part{};
    while (file.is_open() && text.size() < most_bytes) {
        const auto count = ::read(file.value(), part.data(), part.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    return text;
}

} // namespace ctys::vde
