#include "tools/qemu_call/terminal.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace ctys::call {

namespace {

template <std::size_t Size>
void drop_front(std::array<char, Size>& bytes, std::size_t& size, ssize_t count) {
    size -= static_cast<std::size_t>(count);
    std::memmove(bytes.data(), bytes.data() + count, size);
}

constexpr int last_patience_ms = 5000;

bool may_come_later(ssize_t count) {
    return count < 0 && (errno == EINTR || errno == EAGAIN);
}

} // namespace

Terminal::~Terminal() {
    if (console_ >= 0) ::close(console_);
    if (is_raw_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

Result<int> Terminal::open() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
        return fail(ErrorCode::Failed, fmt::format("console: {}", std::strerror(errno)));
    console_ = ends[0];
    // In the background it would be stopped, and QEMU's end with it; so it reads nothing there.
    ::signal(SIGTTIN, SIG_IGN);
    ::signal(SIGTTOU, SIG_IGN);
    make_raw();
    return ends[1];
}

// In the background it would stop this process. Lines of this program still begin at the left.
void Terminal::make_raw() {
    if (::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return;
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto raw = before_;
    ::cfmakeraw(&raw);
    raw.c_oflag |= OPOST;
    is_raw_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

void Terminal::add_to(std::vector<pollfd>& list) const {
    if (console_ < 0) return;
    if (may_read_ && typed_size_ == 0) list.push_back({STDIN_FILENO, POLLIN, 0});
    if (printed_size_ != 0) list.push_back({STDOUT_FILENO, POLLOUT, 0});
    const int events = (printed_size_ == 0 ? POLLIN : 0) | (typed_size_ != 0 ? POLLOUT : 0);
    if (events != 0) list.push_back({console_, static_cast<short>(events), 0});
}

void Terminal::react(const std::vector<pollfd>& list) {
    for (const auto& [descriptor, asked, happened] : list) {
        if (happened == 0 || descriptor < 0) continue;
        if (descriptor == STDIN_FILENO) from_input();
        if (descriptor == STDOUT_FILENO) to_output();
        if (descriptor != console_) continue;
        to_console();
        if (printed_size_ == 0) from_console();
    }
}

void Terminal::flush() {
    while (console_ >= 0) {
        if (printed_size_ == 0) from_console();
        if (printed_size_ == 0) return;
        // A reader who stands, as a pager does, does not keep this process for ever.
        pollfd output{STDOUT_FILENO, POLLOUT, 0};
        if (::poll(&output, 1, last_patience_ms) <= 0) return;
        to_output();
    }
}

void Terminal::from_input() {
    const auto count = ::read(STDIN_FILENO, typed_.data(), typed_.size());
    if (may_come_later(count)) return;
    if (count <= 0) {
        may_read_ = false;
        return;
    }
    typed_size_ = static_cast<std::size_t>(count);
    to_console();
}

void Terminal::to_console() {
    if (typed_size_ == 0) return;
    const auto count = ::send(console_, typed_.data(), typed_size_, MSG_NOSIGNAL);
    if (may_come_later(count)) return;
    if (count < 0) {
        typed_size_ = 0;
        may_read_ = false;
        return;
    }
    drop_front(typed_, typed_size_, count);
}

void Terminal::from_console() {
    const auto count = ::recv(console_, printed_.data(), printed_.size(), 0);
    if (may_come_later(count)) return;
    if (count <= 0) {
        ::close(console_);
        console_ = -1;
        return;
    }
    if (may_write_) printed_size_ = static_cast<std::size_t>(count);
    to_output();
}

void Terminal::to_output() {
    if (printed_size_ == 0) return;
    const auto count = ::write(STDOUT_FILENO, printed_.data(), printed_size_);
    if (may_come_later(count)) return;
    if (count < 0) {
        may_write_ = false; // the guest goes on without a reader
        printed_size_ = 0;
        return;
    }
    drop_front(printed_, printed_size_, count);
}

} // namespace ctys::call
