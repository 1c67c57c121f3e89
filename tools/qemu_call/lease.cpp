// Happy path: ctys-ask-lease is run as a child and prints one line. It is a program of its own, so
// that the parent of every QEMU does not carry the libraries that talk to the agent.
//
// Failure modes: the program is missing, fails or hangs -> as if no agent were there.
#include "tools/qemu_call/lease.h"

#include "mesh/core/text.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ctys::call {

namespace {

constexpr int patience_s = 20;
constexpr std::size_t most_bytes = 4096;

/// Up to the end of the output, the limit, or the deadline.
std::string read_all(int from) {
    std::string text;
    timespec start{};
    ::clock_gettime(CLOCK_MONOTONIC, &start);
    while (text.size() < most_bytes) {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const auto left = patience_s - (now.tv_sec - start.tv_sec);
        if (left <= 0) return {};
        pollfd wait{from, POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(left) * 1000) < 0 && errno != EINTR) return {};
        if (wait.revents == 0) continue;
        std::array<char, 1024> part{};
        const auto count = ::read(from, part.data(), part.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    return text;
}

} // namespace

LeaseAnswer read_lease_answer(std::string_view line) {
    line = trim(line);
    const auto blank = line.find(' ');
    const auto word = line.substr(0, blank);
    const auto rest = blank == std::string_view::npos ? std::string_view{} : line.substr(blank + 1);
    LeaseAnswer answer{.reason = printable(rest, 2000)};
    if (word == "refused") answer.kind = LeaseAnswer::Kind::Refused;
    if (word == "alone") answer.kind = LeaseAnswer::Kind::Alone;
    if (word != "granted") return answer;
    const auto gap = rest.find(' ');
    const auto id = ActionId::parse(rest.substr(0, gap));
    const auto digits = gap == std::string_view::npos ? std::string_view{} : rest.substr(gap + 1);
    std::uint64_t token = 0;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), token);
    if (!id || digits.empty() || failure != std::errc{} || end != digits.data() + digits.size())
        return answer;
    return {.kind = LeaseAnswer::Kind::Granted, .action = *id, .token = token, .reason = {}};
}

LeaseAnswer
ask_agent_for_lease(const std::string& asker, const std::string& config, const std::string& label) {
    std::array<int, 2> pipe{};
    if (::access(asker.c_str(), X_OK) != 0 || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
        return {.reason = asker + " cannot be run"};
    const std::array<const char*, 6> argv = {
        asker.c_str(), "--config-file", config.c_str(), "--label", label.c_str(), nullptr};
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(pipe[1], STDOUT_FILENO);
        ::execv(asker.c_str(), const_cast<char* const*>(argv.data()));
        ::_exit(127);
    }
    ::close(pipe[1]);
    const auto line = child > 0 ? read_all(pipe[0]) : std::string{};
    ::close(pipe[0]);
    if (child > 0) {
        ::kill(child, SIGKILL); // it has printed its line, or hangs
        while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    return read_lease_answer(line);
}

} // namespace ctys::call
