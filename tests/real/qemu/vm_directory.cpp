#include "tests/real/qemu/vm_directory.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares these functions without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace ctys::testing {

namespace {

using SteadyClock = std::chrono::steady_clock;

bool readable_by(int descriptor, SteadyClock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) return false;
    pollfd one{descriptor, POLLIN, 0};
    return ::poll(&one, 1, static_cast<int>(left.count())) > 0;
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

[[noreturn]] void fault(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// Looks after each such event in the folder, until it is so or the patience has ended.
bool wait_in(const std::string& folder, std::uint32_t events, const std::function<bool()>& is_so) {
    const int watch = ::inotify_init1(IN_CLOEXEC);
    if (::inotify_add_watch(watch, folder.c_str(), events) < 0) fault("inotify");
    const auto deadline = SteadyClock::now() + patience;
    bool found = is_so();
    while (!found && readable_by(watch, deadline)) {
        std::array<char, 4096> read{};
        std::ignore = ::read(watch, read.data(), read.size());
        found = is_so();
    }
    ::close(watch);
    return found;
}

} // namespace

Peer::~Peer() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Peer::Peer(Peer&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), read_(std::move(other.read_)) {}

std::string Peer::read_until(std::string_view wanted) {
    const auto deadline = SteadyClock::now() + patience;
    while (true) {
        const auto at = read_.find(wanted);
        if (at != std::string::npos) {
            auto out = read_.substr(0, at + wanted.size());
            read_.erase(0, out.size());
            return out;
        }
        std::array<char, 4096> bytes{};
        if (!readable_by(descriptor_, deadline)) return {};
        const auto count = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
        if (count <= 0) return {};
        read_.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

void Peer::write(std::string_view text) {
    if (::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) < 0) fault("send");
}

QmpListener::QmpListener(const std::string& path) {
    const auto address = address_of(path);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener_, generic, sizeof address) != 0 || ::listen(listener_, 4) != 0) {
        fault("listen at " + path);
    }
}

QmpListener::~QmpListener() {
    ::close(listener_);
}

Peer QmpListener::accept_negotiated() {
    if (!readable_by(listener_, SteadyClock::now() + patience)) {
        throw std::runtime_error("no QEMU has dialled");
    }
    Peer peer{::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)};
    if (peer.read_until("\"QMP\"").empty()) throw std::runtime_error("no greeting");
    peer.write("{\"execute\":\"qmp_capabilities\"}\n");
    if (peer.read_until("\"return\"").empty()) throw std::runtime_error("no capabilities");
    return peer;
}

VmDirectory::VmDirectory(Guest guest) {
    std::string pattern = "/tmp/ctys-real-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) fault("mkdtemp");
    path_ = pattern;
    files_ = qemu::instance_files(path_ + "/i");
    std::filesystem::create_directory(path_ + "/i");
    std::filesystem::permissions(path_ + "/i", std::filesystem::perms::owner_all);
    std::filesystem::copy_file(CTYS_TEMPLATES "/vm.ctys", path_ + "/web.ctys");
    std::filesystem::copy_file(CTYS_TEMPLATES "/vm.sh", path_ + "/web.sh");
    write_guest_image(path_ + "/web.img", guest);
    append_to_configuration("MEMSIZE=32\n");
}

VmDirectory::~VmDirectory() {
    const auto facts = qemu::parse_instance_file(text_of(files_.facts));
    if (wrapper_ > 0) {
        // Still ours and not waited for, so the numbers cannot have been reused.
        if (facts) ::kill(static_cast<pid_t>(facts->qemu_pid), SIGKILL);
        if (!wait()) ::kill(wrapper_, SIGKILL);
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void VmDirectory::append_to_configuration(const std::string& text) {
    std::ofstream{path_ + "/web.ctys", std::ios::app} << text;
}

void VmDirectory::remove_image() {
    std::filesystem::remove(path_ + "/web.img");
}

void VmDirectory::start(const std::vector<std::string>& options) {
    std::vector<std::string> argv{"sh", path_ + "/web.sh", "--instance-dir=" + path_ + "/i"};
    argv.insert(argv.end(), options.begin(), options.end());
    std::vector<char*> pointers;
    for (auto& argument : argv) {
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    const auto out = path_ + "/output";
    wrapper_ = ::fork();
    if (wrapper_ < 0) fault("fork");
    if (wrapper_ > 0) return;
    ::setenv("CTYS_QEMU_CALL", CTYS_QEMU_CALL, 1);
    if (ignored_signal_ != 0) ::signal(ignored_signal_, SIG_IGN);
    const int file = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::execv("/bin/sh", pointers.data());
    ::_exit(126);
}

std::optional<int> VmDirectory::wait() {
    const int pidfd = ::pidfd_open(wrapper_, 0);
    if (pidfd < 0) fault("pidfd_open");
    const bool ended = readable_by(pidfd, SteadyClock::now() + patience);
    ::close(pidfd);
    if (!ended) return std::nullopt;
    int status = 0;
    ::waitpid(std::exchange(wrapper_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string VmDirectory::text_of(const std::string& file) const {
    std::ostringstream out;
    out << std::ifstream{file}.rdbuf();
    return out.str();
}

std::string VmDirectory::output() const {
    return text_of(path_ + "/output");
}

qemu::InstanceFacts VmDirectory::facts() {
    auto facts = qemu::parse_instance_file(text_of(files_.facts));
    wait_in(path_ + "/i", IN_MOVED_TO, [&] {
        facts = qemu::parse_instance_file(text_of(files_.facts));
        return facts.has_value();
    });
    if (!facts) throw std::runtime_error("no instance file; the wrapper said: " + output());
    return *facts;
}

bool VmDirectory::says(std::string_view words) {
    return wait_in(
        path_, IN_MODIFY | IN_CREATE, [&] { return output().find(words) != std::string::npos; });
}

Peer VmDirectory::open_console() {
    const auto address = address_of(files_.console);
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(client, generic, sizeof address) != 0) fault("connect to the console");
    return Peer{client};
}

void VmDirectory::signal_wrapper(int signal) {
    ::kill(wrapper_, signal);
}

} // namespace ctys::testing
