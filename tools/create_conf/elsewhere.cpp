#include "tools/create_conf/elsewhere.h"

#include "mesh/core/shell_quoted.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ctys::conf {

namespace {

constexpr auto program = "ctys-createConfVM";
constexpr int ssh_failed = 255;
constexpr int no_such_program = 127;

Result<int> status_of_ssh(const std::string& host, int status) {
    if (WIFSIGNALED(status))
        return fail(ErrorCode::Failed, fmt::format("ssh ended by signal {}", WTERMSIG(status)));
    if (WEXITSTATUS(status) == ssh_failed) {
        return fail(ErrorCode::Unreachable,
                    fmt::format("ssh did not get to {}, or was cut off", host),
                    shell_quoted({"ssh", host, "true"}));
    }
    if (WEXITSTATUS(status) == no_such_program) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("{} is not in the PATH that ssh has on {}", program, host),
                    shell_quoted({"ssh", host, "echo $PATH"}));
    }
    return WEXITSTATUS(status);
}

} // namespace

std::vector<std::string> words_without(const std::string& host, std::vector<std::string> words) {
    constexpr auto valued = std::to_array<std::string_view>({"-t",
                                                             "--label",
                                                             "-D",
                                                             "--adopt",
                                                             "--defaults-file",
                                                             "--defaults-file-create",
                                                             "--macmap",
                                                             "--ethers",
                                                             "--hosts",
                                                             "-d"});
    std::vector<std::string> out;
    for (auto& word : words) {
        const auto before = out.empty() ? std::string{} : out.back();
        const bool is_value = std::find(valued.begin(), valued.end(), before) != valued.end();
        if (!is_value && (word == host || word == "-L" + host || word == "-R" + host)) {
            if (before == "-L" || before == "-R") out.pop_back();
            continue;
        }
        out.push_back(std::move(word));
    }
    return out;
}

std::vector<std::string> words_of_ssh(const CallElsewhere& call) {
    std::vector<std::string> there{"env"};
    for (const auto& [name, value] : call.variables)
        there.push_back(name + "=" + value.text);
    there.emplace_back(program);
    there.insert(there.end(), call.words.begin(), call.words.end());

    std::vector<std::string> words{"ssh", call.asks ? "-t" : "-T"};
    if (!call.asks) words.insert(words.end(), {"-o", "BatchMode=yes"});
    words.insert(words.end(), {"-o", "ConnectTimeout=10", "--", call.host});
    // ssh hands one text to the shell there.
    words.push_back(shell_quoted(there));
    return words;
}

Result<int> make_elsewhere(const CallElsewhere& call) {
    auto words = words_of_ssh(call);
    std::vector<char*> pointers;
    for (auto& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    // What Ctrl-C means is decided there, and its end is awaited here.
    posix_spawnattr_t attributes;
    sigset_t of_child;
    ::sigemptyset(&of_child);
    ::sigaddset(&of_child, SIGINT);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigdefault(&attributes, &of_child);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    ::signal(SIGINT, SIG_IGN);
    pid_t child = 0;
    const int why =
        ::posix_spawnp(&child, pointers[0], nullptr, &attributes, pointers.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (why == ENOENT) {
        return fail(ErrorCode::Unsupported,
                    "ssh is not installed, which goes to other machines",
                    "apt install openssh-client");
    }
    if (why != 0) return fail(ErrorCode::Failed, fmt::format("ssh: {}", std::strerror(why)));
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return fail(ErrorCode::Failed, fmt::format("ssh: {}", std::strerror(errno)));
    }
    return status_of_ssh(call.host, status);
}

} // namespace ctys::conf
