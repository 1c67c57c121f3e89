#include "tools/setup_vde/machine.h"

#include "tools/setup_vde/as_user.h"
#include "tools/setup_vde/commands.h"
#include "tools/setup_vde/management.h"
#include "tools/setup_vde/processes.h"
#include "tools/setup_vde/switch_files.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

namespace ctys::vde {

namespace {

constexpr Duration start_patience = std::chrono::seconds{10};
constexpr Duration end_patience = std::chrono::seconds{5};
constexpr Duration turn_patience = std::chrono::seconds{10};
constexpr std::string_view turn_name = "ctys-setupVDE";

// In no folder: it needs no place, leaves nothing behind, and is one for each network namespace.
sockaddr_un turn_address(socklen_t& size) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, turn_name.data(), turn_name.size());
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + turn_name.size());
    return address;
}

// Who has the turn; its number is 0 where nobody has it any more.
ucred turn_holder() {
    socklen_t size = 0;
    const auto address = turn_address(size);
    const loop::UniqueFd one{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    ucred holder{};
    socklen_t length = sizeof holder;
    if (::connect(one.value(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::getsockopt(one.value(), SOL_SOCKET, SO_PEERCRED, &holder, &length) != 0)
        return {};
    return holder;
}

} // namespace

Machine::Machine(loop::EventLoop& loop, qemu::VdePaths paths, Account account)
    : loop_(loop), paths_(std::move(paths)), account_(std::move(account)) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        watches_.emplace_back(loop, signal, [this] { interrupted_ = true; });
    }
}

bool Machine::is_interrupted() const {
    loop_.run_once_for(Duration{0});
    return interrupted_;
}

Status Machine::perform(const Act& act) {
    if (const auto* program = std::get_if<Run>(&act)) return run(*program);
    if (const auto* wait = std::get_if<AwaitSwitch>(&act)) return await(*wait);
    if (const auto* how = std::get_if<EndSwitch>(&act)) return end(*how);
    return remove_switch_files(paths_, account_);
}

Status Machine::run(const Run& program) {
    const auto done = run_program(loop_, program.argv, program.as_owner ? &account_ : nullptr);
    return done ? Status{} : Status{tl::unexpected(done.error())};
}

// It listens only when it has opened everything, or failed to: its own status is 0 either way.
Status Machine::await(const AwaitSwitch& wait) {
    Switch last;
    const auto answers = [&] {
        if (interrupted_) return true;
        last = look_at_switch(paths_, account_);
        return last.state == SwitchState::Answers || last.state == SwitchState::Strange;
    };
    const bool over = loop_.run_until(answers, start_patience);
    if (interrupted_) return fail(ErrorCode::Interrupted, "interrupted");
    if (!over) {
        return fail(ErrorCode::TimedOut,
                    last.why.empty() ? "it does not answer at " + paths_.management : last.why);
    }
    if (last.state == SwitchState::Strange) return fail(ErrorCode::Failed, last.why);
    if (last.carries(wait.tap)) return {};
    return fail(ErrorCode::Failed,
                fmt::format("it runs and has not opened the TAP {}; may {} open /dev/net/tun?",
                            wait.tap,
                            account_.name));
}

Status Machine::end(const EndSwitch& how) {
    Status asked;
    {
        const AsUser as_user{account_.uid, account_.gid};
        auto management = Management::open(paths_.management);
        asked = management ? management->shut_down() : Status{tl::unexpected(management.error())};
    }
    if (asked) {
        // It closes its connections before it takes away its files.
        const auto gone = [&] { return find_switch_process(paths_.data, account_.uid) == 0; };
        if (loop_.run_until(gone, end_patience)) return {};
        asked = fail(ErrorCode::TimedOut, "it was asked, has closed its sockets, and runs on");
    }
    if (!how.kills) return asked;
    if (auto killed = kill_switch(paths_.data, account_.uid); !killed) return killed;
    const auto left = look_at_switch(paths_, account_);
    return left.state == SwitchState::Dead ? remove_switch_files(paths_, account_) : Status{};
}

Result<OneAtATime> OneAtATime::acquire(loop::EventLoop& loop) {
    socklen_t size = 0;
    const auto address = turn_address(size);
    loop::UniqueFd one{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ucred holder{};
    const auto has_turn = [&] {
        if (::bind(one.value(), reinterpret_cast<const sockaddr*>(&address), size) == 0)
            return true;
        holder = turn_holder();
        // Only root changes networks: a name that somebody else has taken stops nobody.
        return holder.pid != 0 && holder.uid != 0;
    };
    if (!loop.run_until(has_turn, turn_patience)) {
        return fail(
            ErrorCode::Conflict,
            fmt::format("another ctys-setupVDE (pid {}) is at work on this machine", holder.pid));
    }
    std::ignore = ::listen(one.value(), 1); // so that others can ask who it is
    return OneAtATime{std::move(one)};
}

} // namespace ctys::vde
