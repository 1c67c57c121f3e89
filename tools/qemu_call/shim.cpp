// Happy path
// - console sockets are bound, QEMU is forked and executed, its facts are written;
// - poll() over its pidfd and the console until it ends; its status goes to the exit file.
//
// Failure modes
// - QEMU cannot be executed: the child reports errno through a pipe, nothing is left running.
// - A signal comes: of a VM in the foreground foreground.h says what it means; else nothing.
// - The link of the console that a configuration asks for cannot be made: nothing is started; that
//   of /var/tmp, for which nobody has asked, is gone without.
// - A facts or exit file cannot be written: said on stderr; the VM is not touched for it.
// - This process is killed: QEMU goes on without a console; the agent sees the end by its pidfd and
//   names the cause from the other evidence.
#include "tools/qemu_call/shim.h"

#include "tools/qemu_call/console.h"
#include "tools/qemu_call/console_link.h"
#include "tools/qemu_call/foreground.h"
#include "tools/qemu_call/instance_dir.h"
#include "tools/qemu_call/terminal.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares these functions without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace ctys::call {

namespace {

constexpr int housekeeping_ms = 60'000;
constexpr off_t max_log_bytes = off_t{1024} * 1024;
constexpr std::size_t kept_log_bytes = std::size_t{64} * 1024;

void complain(const Error& error) {
    std::fprintf(stderr, "ctys-qemu-call: %s\n", error.message.c_str());
}

std::int64_t clock_us(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

[[noreturn]] void become_qemu(char* const* argv, int log, int report) {
    // A terminal's Ctrl-C reaches the whole foreground group; QEMU takes it for a power cut.
    ::setsid();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGTTIN, SIGTTOU}) {
        ::signal(signal, SIG_DFL);
    }
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execv(argv[0], argv);
    const int why = errno;
    std::ignore = ::write(report, &why, sizeof why);
    ::_exit(127);
}

Result<pid_t> start(const std::vector<std::string>& argv, const std::string& log_path) {
    const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    std::array<int, 2> report{};
    if (log < 0 || ::pipe2(report.data(), O_CLOEXEC) != 0) {
        return fail(ErrorCode::Failed, fmt::format("{}: {}", log_path, std::strerror(errno)));
    }
    std::vector<char*> pointers;
    for (const auto& argument : argv) {
        pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) become_qemu(pointers.data(), log, report[1]);
    ::close(log);
    ::close(report[1]);
    int why = child < 0 ? errno : 0;
    if (child > 0) std::ignore = ::read(report[0], &why, sizeof why);
    ::close(report[0]);
    if (why == 0) return child;
    if (child > 0) ::waitpid(child, nullptr, 0);
    return fail(ErrorCode::Failed,
                fmt::format("cannot execute {}: {}", argv[0], std::strerror(why)));
}

// Field 22 of /proc/PID/stat, counted after the command in parentheses, which may hold anything.
std::uint64_t start_ticks(pid_t pid) {
    std::array<char, 1024> text{};
    const int file = ::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const auto count = ::read(file, text.data(), text.size() - 1);
    ::close(file);
    if (count <= 0) return 0;
    const char* at = std::strrchr(text.data(), ')');
    for (int field = 2; at != nullptr && field < 22; ++field) {
        at = std::strchr(at + 1, ' ');
    }
    return at == nullptr ? 0 : std::strtoull(at + 1, nullptr, 10);
}

// Writers append, so cutting the file under them is safe; the end is what anyone reads.
void bound_log(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return;
    struct stat status {};
    if (::fstat(file, &status) == 0 && status.st_size > max_log_bytes) {
        std::string tail(kept_log_bytes, '\0');
        const auto from = status.st_size - static_cast<off_t>(kept_log_bytes);
        const auto count = ::pread(file, tail.data(), tail.size(), from);
        if (::ftruncate(file, 0) == 0 && count > 0) {
            std::ignore = ::pwrite(file, tail.data(), static_cast<std::size_t>(count), 0);
        }
    }
    ::close(file);
}

void wait_for_end(int pidfd,
                  Console& console,
                  Terminal& terminal,
                  Foreground& foreground,
                  const qemu::InstanceFiles& files) {
    std::vector<pollfd> list;
    auto next_cleaning = clock_us(CLOCK_MONOTONIC) + std::int64_t{housekeeping_ms} * 1000;
    while (true) {
        list.assign(1, {pidfd, POLLIN, 0});
        console.add_to(list);
        terminal.add_to(list);
        foreground.add_to(list);
        const int ready = ::poll(list.data(), list.size(), housekeeping_ms);
        if (ready < 0 && errno != EINTR) return;
        if (ready > 0) {
            console.react(list);
            terminal.react(list);
            foreground.react(list);
        }
        if (ready > 0 && list[0].revents != 0) return;
        if (clock_us(CLOCK_MONOTONIC) < next_cleaning) continue;
        next_cleaning = clock_us(CLOCK_MONOTONIC) + std::int64_t{housekeeping_ms} * 1000;
        bound_log(files.stderr_log);
        bound_log(files.serial_log);
    }
}

qemu::ExitStatus reap(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) return {.signal = WTERMSIG(status)};
    return {.code = WEXITSTATUS(status)};
}

} // namespace

Result<qemu::ExitStatus> run_qemu(const std::vector<std::string>& argv,
                                  const qemu::InstanceFiles& files,
                                  qemu::InstanceFacts facts,
                                  const Parenthood& parenthood) {
    Foreground foreground{facts.label};
    ::signal(SIGPIPE, SIG_IGN);
    if (parenthood.signals == Signals::AskGuest) {
        if (auto opened = foreground.open(files.qmp); !opened)
            return tl::unexpected(opened.error());
    } else {
        for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
            ::signal(signal, SIG_IGN);
        }
    }
    // An exit file of an earlier life in this directory must not speak for this one.
    ::unlink(files.exit.c_str());
    ::unlink(files.trace_log.c_str());
    Console console;
    if (auto opened = console.open(files); !opened) return tl::unexpected(opened.error());
    ConsoleLink link;
    if (!parenthood.console_link.empty()) {
        auto made = link.make(files.console, parenthood.console_link);
        if (!made && parenthood.needs_link) return wrap("QEMUMONSOCK", made.error());
    }
    const auto child = start(argv, files.stderr_log);
    if (!child) return tl::unexpected(child.error());
    Terminal terminal;
    if (parenthood.seat == Seat::Terminal) {
        auto joined = terminal.open();
        if (joined) console.join(*joined);
        if (!joined) complain(joined.error());
    }
    console.expect(*child);
    foreground.expect(*child);

    facts.shim_pid = static_cast<std::uint32_t>(::getpid());
    facts.qemu_pid = static_cast<std::uint32_t>(*child);
    facts.start_ticks = start_ticks(*child);
    if (auto written = write_atomically(files.facts, to_text(facts)); !written) {
        complain(written.error());
    }
    const int pidfd = ::pidfd_open(*child, 0);
    if (pidfd >= 0) wait_for_end(pidfd, console, terminal, foreground, files);
    const auto status = reap(*child);
    if (pidfd >= 0) ::close(pidfd);
    const qemu::ExitFile ended{.status = status,
                               .at = {clock_us(CLOCK_REALTIME)},
                               .monotonic_us = clock_us(CLOCK_MONOTONIC)};
    if (auto written = write_atomically(files.exit, to_text(ended)); !written) {
        complain(written.error());
    }
    console.catch_up();
    terminal.flush();
    return status;
}

} // namespace ctys::call
