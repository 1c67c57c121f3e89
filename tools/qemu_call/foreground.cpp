#include "tools/qemu_call/foreground.h"

#include "mesh/core/text.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/signalfd.h>
#include <unistd.h>

namespace ctys::call {

namespace {

bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

} // namespace

Foreground::~Foreground() {
    if (signals_ >= 0) ::close(signals_);
}

Status Foreground::open(const std::string& monitor) {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
        if (!is_ignored(signal)) ::sigaddset(&wanted, signal);
    }
    signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0 || ::sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0)
        return fail(ErrorCode::Failed, fmt::format("watch signals: {}", std::strerror(errno)));
    return button_.open(monitor);
}

void Foreground::expect(pid_t qemu) {
    qemu_ = qemu;
    button_.expect(qemu);
}

void Foreground::add_to(std::vector<pollfd>& list) const {
    if (signals_ >= 0) list.push_back({signals_, POLLIN, 0});
    button_.add_to(list);
}

void Foreground::react(const std::vector<pollfd>& list) {
    button_.react(list);
    for (const auto& [descriptor, asked, happened] : list) {
        if (happened == 0 || descriptor != signals_) continue;
        signalfd_siginfo info{};
        while (::read(signals_, &info, sizeof info) == sizeof info) {
            on_signal(static_cast<int>(info.ssi_signo));
        }
    }
}

// QEMU is the child of this process and was not waited for: its number is its own.
void Foreground::on_signal(int signal) {
    if (!is_asked_) {
        is_asked_ = true;
        const bool now = button_.press();
        std::fprintf(stderr,
                     "ctys-qemu-call: %s is asked to end by its power button%s; once more cuts its "
                     "power\n",
                     label_.c_str(),
                     now ? "" : " as soon as its monitor is there");
        return;
    }
    if (signal == SIGHUP) return;
    const bool is_first_cut = cuts_++ == 0;
    std::fprintf(stderr,
                 "ctys-qemu-call: the power of %s is cut%s\n",
                 label_.c_str(),
                 is_first_cut ? "" : ", by SIGKILL");
    ::kill(qemu_, is_first_cut ? SIGTERM : SIGKILL);
}

} // namespace ctys::call
