#include "tools/client/raw_terminal.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <termios.h>
#include <unistd.h>
#include <utility>

namespace ctys::tools {

namespace {

constexpr std::array fatal_signals = {SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV};

// A signal handler reaches nothing else than static storage (signal-safety(7)).
termios saved;
volatile std::sig_atomic_t raw_fd = -1;

void restore() {
    if (raw_fd >= 0) ::tcsetattr(raw_fd, TCSADRAIN, &saved);
    raw_fd = -1;
}

void on_fatal(int signal) {
    restore();
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

} // namespace

Result<RawTerminal> RawTerminal::open(int fd) {
    if (::isatty(fd) != 1) return fail(ErrorCode::Usage, "a console needs a terminal");
    if (::tcgetattr(fd, &saved) != 0)
        return fail(ErrorCode::Failed, std::string{"terminal: "} + std::strerror(errno));
    auto raw = saved;
    ::cfmakeraw(&raw);
    raw_fd = fd;
    for (const int signal : fatal_signals)
        std::signal(signal, on_fatal);
    if (::tcsetattr(fd, TCSADRAIN, &raw) != 0) {
        raw_fd = -1;
        return fail(ErrorCode::Failed, std::string{"terminal: "} + std::strerror(errno));
    }
    RawTerminal terminal;
    terminal.holds_ = true;
    return terminal;
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : holds_(std::exchange(other.holds_, false)) {}

RawTerminal::~RawTerminal() {
    if (!holds_) return;
    restore();
    for (const int signal : fatal_signals)
        std::signal(signal, SIG_DFL);
}

} // namespace ctys::tools
