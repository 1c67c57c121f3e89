#include "agent/scan_helper/session.h"

#include "agent/scan_helper/marker_file.h"
#include "agent/scan_helper/walk.h"
#include "mesh/core/text.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace ctys::agent {

// Happy path: hello; the agent asks for a scan of the pool; the walk sets watches and streams what
// it finds; changes are collected until they pause, then what they touched is scanned.
// Failure modes: the mount hangs -> this process hangs, the agent notices and kills it; events are
// lost -> the whole pool is scanned; watches run out -> none is kept, the agent polls; the agent
// goes away -> end of the channel, the process ends.

namespace {

// A directory is scanned when it has been quiet for a moment, but changes that never end must not
// hide it.
constexpr auto quiet = std::chrono::milliseconds{100};
constexpr auto patience = std::chrono::milliseconds{300};

} // namespace

Session::Session(std::string root, int channel)
    : root_(std::move(root)), channel_(channel), outbox_(channel) {}

void Session::run() {
    outbox_.put(HelperHello{});
    outbox_.flush();
    for (;;) {
        std::array<pollfd, 2> wait = {
            {{channel_, POLLIN, 0}, {watches_.is_watching() ? watches_.fd() : -1, POLLIN, 0}}};
        if (::poll(wait.data(), wait.size(), wait_ms()) < 0 && errno != EINTR) {
            throw Fault(os_error(errno, "poll"));
        }
        if (wait[1].revents != 0) note_changes();
        if (wait[0].revents != 0 && !read_commands()) return;
        if (!dirty_.is_empty() && wait_ms() == 0) scan_changes();
    }
}

int Session::wait_ms() const {
    if (dirty_.is_empty()) return -1;
    const auto due = std::min(last_change_ + quiet, first_change_ + patience);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

bool Session::read_commands() {
    std::array<char, 4096> buffer;
    const auto got = ::recv(channel_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    commands_.feed({buffer.data(), static_cast<std::size_t>(got)});
    for (;;) {
        auto body = commands_.next();
        if (!body) throw Fault(body.error());
        if (!*body) return true;
        auto command = decode_command(**body);
        if (!command) throw Fault(command.error());
        execute(*command);
    }
}

void Session::execute(const HelperCommand& command) {
    auto done = std::visit([&](const auto& body) { return answer(body); }, command.body);
    done.id = command.id;
    done.problem = printable(done.problem);
    outbox_.put(std::move(done));
    outbox_.flush();
}

CommandDone Session::answer(const ScanPool& command) {
    may_watch_ = command.watch;
    scan({}, command.may_mark);
    return {};
}

CommandDone Session::answer(const ScanDirectory& command) {
    scan({command.below, true}, /*may_mark=*/false);
    return {};
}

CommandDone Session::answer(const Prove& command) {
    const auto root = open_pool_root(root_, /*may_mark=*/false);
    if (!root) return {0, false, root.error().message};
    const auto found = prove_at(root->fd.value(), command);
    if (!found) return {0, false, found.error().message};
    return {0, *found, {}};
}

CommandDone Session::answer(const Ping& /*command*/) {
    struct statx facts {};
    // A network file system has to ask its server.
    if (::statx(AT_FDCWD, root_.c_str(), AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &facts) != 0) {
        return {0, false, os_error(errno, root_).message};
    }
    return {0, true, {}};
}

void Session::scan(const ScanScope& scope, bool may_mark) {
    const bool whole = scope.below.empty() && scope.recursive;
    ScanEnded ended{scope};
    outbox_.put(ScanBegun{scope});
    auto root = open_pool_root(root_, may_mark);
    if (!root) {
        ended.root_problem = printable(root.error().message);
        ended.polling_reason = "its root cannot be read";
        outbox_.put(std::move(ended));
        return outbox_.flush();
    }
    if (root->facts.mount.network) {
        watches_.give_up("changes by other machines are not reported on a network file system");
    } else if (!may_watch_) {
        watches_.give_up("watching is switched off");
    } else if (whole) {
        dirty_ = {};
        watches_.restart();
    }
    outbox_.put(root->facts);
    Walk walk(*root, watches_, outbox_);
    walk.run(scope);
    if (::chdir("/") != 0) throw Fault(os_error(errno, "/")); // Else the mount would be busy.
    ended.directories = walk.directories();
    ended.files = walk.files();
    ended.watching = watches_.is_watching();
    ended.polling_reason = watches_.reason();
    outbox_.put(std::move(ended));
    outbox_.flush();
}

void Session::note_changes() {
    const auto now = Clock::now();
    const bool was_quiet = dirty_.is_empty();
    watches_.read_into(dirty_);
    if (dirty_.is_empty()) return;
    if (was_quiet) first_change_ = now;
    last_change_ = now;
}

void Session::scan_changes() {
    for (const auto& scope : dirty_.take()) {
        scan(scope, /*may_mark=*/false);
    }
}

} // namespace ctys::agent
