#include "agent/scanner/helper_link.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/socket.h>

namespace ctys::agent {

namespace {

// A pool of 100,000 VMs comes as 60 MB: the loop has other work in between.
constexpr int reads_per_round = 2;
constexpr std::size_t read_bytes = 64 * 1024;

std::string last_words(const loop::ChildResult& result) {
    auto words = printable(trim(result.errors), 200);
    if (!words.empty()) return words;
    if (result.term_signal != 0) return fmt::format("ended by signal {}", result.term_signal);
    return fmt::format("ended with status {}", result.exit_status);
}

} // namespace

Result<std::unique_ptr<HelperLink>> HelperLink::start(loop::EventLoop& loop,
                                                      std::vector<std::string> argv,
                                                      std::optional<uid_t> uid,
                                                      std::optional<gid_t> gid,
                                                      Events events) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail(ErrorCode::Overloaded, fmt::format("socketpair: {}", std::strerror(errno)));
    }
    std::unique_ptr<HelperLink> link(new HelperLink);
    link->channel_ = loop::UniqueFd(ends[0]);
    const loop::UniqueFd theirs(ends[1]);
    link->events_ = std::move(events);
    loop::ChildSpec spec;
    spec.argv = std::move(argv);
    spec.cwd = "/"; // It must not hold a file system of the agent's.
    spec.uid = uid;
    spec.gid = gid;
    spec.output = loop::ToDescriptor{theirs.value()};
    spec.errors = loop::ToMemory{4096};
    auto* self = link.get();
    auto child =
        loop::ChildProcess::start(loop, std::move(spec), [self](const loop::ChildResult& result) {
            self->watch_.reset();
            const auto on_exit = self->events_.on_exit;
            on_exit(last_words(result));
        });
    if (!child) return tl::unexpected(std::move(child.error()));
    link->child_.emplace(std::move(*child));
    auto watch = loop::FdWatch::open(
        loop, link->channel_.value(), {.readable = true}, [self](auto) { self->read_some(); });
    if (!watch) return tl::unexpected(std::move(watch.error()));
    link->watch_.emplace(std::move(*watch));
    return link;
}

pid_t HelperLink::pid() const {
    return child_->pid();
}

Status HelperLink::send(const HelperCommand& command) {
    const auto frame = encode(command);
    if (!watch_) return fail(ErrorCode::Unreachable, "the scan helper is gone");
    // Commands are small and few, so that a full socket means that nobody reads it.
    const auto sent =
        ::send(channel_.value(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(frame.size())) return {};
    return fail(ErrorCode::Overloaded, "the scan helper does not read its commands");
}

void HelperLink::cut() {
    watch_.reset();
    static_cast<void>(child_->kill(SIGKILL));
}

void HelperLink::break_off(std::string reason) {
    watch_.reset();
    events_.on_broken(std::move(reason));
}

void HelperLink::read_some() {
    std::array<char, read_bytes> buffer;
    for (int reads = 0; reads < reads_per_round && watch_; ++reads) {
        const auto got = ::recv(channel_.value(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        // It ends: on_exit has its last words.
        if (got <= 0) return watch_.reset();
        frames_.feed({buffer.data(), static_cast<std::size_t>(got)});
        if (!read_frames()) return;
    }
}

bool HelperLink::read_frames() {
    while (watch_) {
        const auto body = frames_.next();
        if (!body) {
            break_off(body.error().message);
            return false;
        }
        if (!*body) return true;
        auto report = decode_report(**body);
        if (!report) {
            break_off(report.error().message);
            return false;
        }
        events_.on_report(std::move(*report));
    }
    return false;
}

} // namespace ctys::agent
