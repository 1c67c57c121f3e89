// Happy path: the terminal becomes raw; what is typed goes to the console socket, what the guest
// prints goes to the terminal, until Ctrl-] or the end of the VM.
//
// Failure modes:
// - the VM ends: the stream closes, the terminal is restored, status 0;
// - the terminal goes away (SIGHUP): its mode is restored and the VM notices nothing;
// - the guest does not read: what is typed is dropped once the queue is full, and a bell says so.

#include "mesh/loop/fd_watch.h"
#include "mesh/loop/unix_stream.h"
#include "tools/client/raw_terminal.h"
#include "tools/client/terminal.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/session.h"

#include <array>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::tools {

namespace {

constexpr char detach_key = 0x1d; // Ctrl-], as telnet and virsh have it
constexpr Duration round = std::chrono::hours{1};

class Console final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "console"; }
    [[nodiscard]] std::string_view summary() const override {
        return "attach this terminal to the serial console";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys console web01\n"
               "Ctrl-] detaches; the VM goes on. Ctrl-A C switches to QEMU's monitor and back "
               "where\n"
               "the console carries it.\n";
    }
    [[nodiscard]] std::string subject() const override { return address_; }
    void declare(Arguments& arguments) override {
        arguments.positional("VM", address_, Arguments::Need::Required, "label or address");
    }

    [[nodiscard]] Status run(Session& session) override {
        auto detail = session.vm_at(address_);
        if (!detail) return tl::unexpected(detail.error());
        const auto& row = detail->row;
        if (!is_live(row)) {
            return fail(ErrorCode::Conflict,
                        fmt::format("is {}", to_string(row.state)),
                        fmt::format("ctys start {}", row.label));
        }
        if (row.console.empty()) {
            std::vector<std::string> evidence;
            if (!row.display.empty()) evidence.push_back("its display is VNC " + row.display);
            return fail(ErrorCode::Conflict,
                        fmt::format("has no console socket: started {}",
                                    row.managed ? "without one" : "by somebody else"),
                        fmt::format("ctys show {}", address_),
                        std::move(evidence));
        }
        struct stat facts {};
        if (::stat(row.console.c_str(), &facts) != 0) {
            return fail(ErrorCode::Unreachable,
                        fmt::format("its console is {} on {}", row.console, row.worker_name),
                        fmt::format("ssh -t {} ctys console {}", row.worker_name, row.label));
        }
        auto stream = loop::UnixStream::connect(session.loop(), row.console);
        if (!stream) return wrap(row.console, stream.error());
        return attach(session, row.label, *stream);
    }

private:
    static Status attach(Session& session, const std::string& label, loop::UnixStream& stream) {
        // Said before the terminal is raw, which would make a staircase of it.
        if (::isatty(STDIN_FILENO) == 1)
            session.remark(fmt::format("attached to {}; Ctrl-] detaches", label));
        auto terminal = RawTerminal::open(STDIN_FILENO);
        if (!terminal) return tl::unexpected(terminal.error());
        bool over = false;
        Status end;
        stream.start(
            [&](std::span<const std::byte> bytes) {
                const std::string_view text{reinterpret_cast<const char*>(bytes.data()),
                                            bytes.size()};
                if (auto written = write_all(STDOUT_FILENO, text); !written) over = true;
            },
            [&](const Status& closed) {
                end = closed;
                over = true;
            });
        auto keyboard = loop::FdWatch::open(
            session.loop(), STDIN_FILENO, {.readable = true}, [&](loop::Readiness) {
                over = over || !pass_typed(stream);
            });
        if (!keyboard) return tl::unexpected(keyboard.error());
        while (!session.loop().run_until([&] { return over; }, round)) {
        }
        static_cast<void>(write_all(STDOUT_FILENO, "\r\n"));
        return end;
    }

    // False when the person detached or the terminal has gone.
    static bool pass_typed(loop::UnixStream& stream) {
        std::array<char, 4096> typed{};
        const auto size = ::read(STDIN_FILENO, typed.data(), typed.size());
        if (size < 0) return errno == EAGAIN || errno == EINTR;
        if (size == 0) return false;
        const std::string_view text{typed.data(), static_cast<std::size_t>(size)};
        const auto detach = text.find(detach_key);
        const auto sent = stream.write(text.substr(0, detach));
        if (!sent && sent.error().code == ErrorCode::Overloaded)
            static_cast<void>(write_all(STDOUT_FILENO, "\a"));
        return detach == std::string_view::npos;
    }

    std::string address_;
};

} // namespace

std::unique_ptr<Subcommand> make_console() {
    return std::make_unique<Console>();
}

} // namespace ctys::tools
