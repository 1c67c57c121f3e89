// Happy path: the program is spawned, read to the end of its output, and waited for.
//
// Failure modes: it cannot be run -> Failed; it says too much or is silent for too long -> killed,
// and with it what it has begun. It stays in the process group of this process: ^C of a terminal,
// and an agent that gives a start up, end it with the rest.
#include "tools/qemu_call/program_run.h"

#include "mesh/core/text.h"
#include "mesh/loop/unique_fd.h"
#include "tools/qemu_call/file_error.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <set>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 declares these functions without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace ctys::call {

namespace {

using ProgramClock = std::chrono::steady_clock;

// For all that a killed program had begun: it ends at once, unless its storage hangs.
constexpr std::chrono::seconds killing_patience{5};

bool becomes_readable(int file, ProgramClock::time_point deadline) {
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - ProgramClock::now());
        if (left.count() <= 0) return false;
        pollfd one{file, POLLIN, 0};
        const int count = ::poll(&one, 1, static_cast<int>(left.count()));
        if (count > 0) return true;
        if (count < 0 && errno != EINTR) return false;
    }
}

int spawn(std::vector<std::string>& argv, int output, pid_t& child) {
    std::vector<char*> pointers;
    pointers.reserve(argv.size() + 1);
    for (auto& word : argv) {
        pointers.push_back(word.data());
    }
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    const int error =
        ::posix_spawnp(&child, pointers.front(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::set<pid_t> children_of_this_process() {
    std::ifstream file{fmt::format("/proc/self/task/{}/children", ::getpid())};
    std::set<pid_t> out;
    for (pid_t pid = 0; file >> pid;) {
        out.insert(pid);
    }
    return out;
}

// False: it stays for longer, as one does that waits for hung storage.
bool kill_and_reap(pid_t child, ProgramClock::time_point deadline) {
    const loop::UniqueFd process{::pidfd_open(child, 0)};
    if (::kill(child, SIGKILL) != 0 || !becomes_readable(process.value(), deadline)) return false;
    wait_for(child);
    return true;
}

// Children of a process that ends become children of this one meanwhile, and are ended as well.
// What has left its parent before, as a daemon does, is left alone; so are those in `before`.
int end_with_children(pid_t child, std::set<pid_t> before) {
    int was_subreaper = 0;
    ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::kill(child, SIGKILL);
    const int status = wait_for(child);
    const auto deadline = ProgramClock::now() + killing_patience;
    for (bool found = true; found;) {
        found = false;
        for (const auto pid : children_of_this_process()) {
            if (!before.insert(pid).second) continue;
            found = kill_and_reap(pid, deadline) || found;
        }
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, was_subreaper);
    return status;
}

// False when the deadline came first.
bool read_to_end(int output, ProgramEnd& end, ProgramClock::time_point deadline) {
    while (!end.cut) {
        if (!becomes_readable(output, deadline)) return false;
        std::array<char, 16 * 1024> bytes{};
        const auto count = ::read(output, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        end.said.append(bytes.data(), static_cast<std::size_t>(count));
        end.cut = end.said.size() > max_said_bytes;
    }
    return true;
}

} // namespace

Result<ProgramEnd> run_program(std::vector<std::string> argv, std::chrono::milliseconds patience) {
    const auto deadline = ProgramClock::now() + patience;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return file_error("run", argv.front());
    const loop::UniqueFd output{ends[0]};
    loop::UniqueFd input{ends[1]};
    const auto others = children_of_this_process();
    pid_t child = 0;
    if (const int error = spawn(argv, input.value(), child); error != 0) {
        errno = error;
        return file_error("run", argv.front());
    }
    input.reset();
    const loop::UniqueFd process{::pidfd_open(child, 0)};
    ProgramEnd end;
    const bool in_time = read_to_end(output.value(), end, deadline) &&
                         (end.cut || becomes_readable(process.value(), deadline));
    end.status = end.cut || !in_time ? end_with_children(child, others) : wait_for(child);
    if (in_time) return end;
    return fail(ErrorCode::TimedOut,
                fmt::format("{} did not end within {} s",
                            printable(argv.front()),
                            std::chrono::duration_cast<std::chrono::seconds>(patience).count()));
}

} // namespace ctys::call
