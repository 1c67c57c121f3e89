#include "mesh/qemu/exit_cause.h"

#include "mesh/core/text.h"
#include "mesh/qemu/option_text.h"

#include <array>
#include <csignal>

namespace ctys::qemu {

namespace {

struct Cause {
    int number;
    std::string_view reason;
    bool guest;
};

// ShutdownCause of QEMU 7.2: qapi/run-state.json, in this order.
constexpr auto causes = std::to_array<Cause>({
    {1, "host-error", false},
    {2, "host-qmp-quit", false},
    {3, "host-qmp-system-reset", false},
    {4, "host-signal", false},
    {5, "host-ui", false},
    {6, "guest-shutdown", true},
    {7, "guest-reset", true},
    {8, "guest-panic", true},
});

std::optional<ShutdownEvent> event_of_cause(std::optional<int> number) {
    for (const auto& cause : causes) {
        if (number == cause.number) return ShutdownEvent{cause.guest, std::string{cause.reason}};
    }
    return std::nullopt;
}

bool is_crash(int signal) {
    switch (signal) {
    case SIGSEGV:
    case SIGABRT:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGSYS: // the sandbox
    case SIGTRAP:
        return true;
    default:
        return false;
    }
}

bool asked_for(const std::optional<Asked>& asked, int signal) {
    if (!asked) return false;
    return (asked->how == Asked::How::Sigterm && signal == SIGTERM) ||
           (asked->how == Asked::How::Sigkill && signal == SIGKILL);
}

std::string_view to_string(Asked::How how) {
    switch (how) {
    case Asked::How::Button:
        return "power button";
    case Asked::How::Quit:
        return "quit";
    case Asked::How::Sigterm:
        return "SIGTERM";
    case Asked::How::Sigkill:
        return "SIGKILL";
    }
    return "power button";
}

// The facts with what follows directly from them.
class Decision {
public:
    explicit Decision(const ExitFacts& facts) : facts_(facts) {
        if (facts.shim) {
            status_ = facts.shim;
            status_evidence_ = Evidence::ExitStatus;
        } else if (facts.connector) {
            status_ = facts.connector;
            status_evidence_ = Evidence::ProcConnector;
        }
        if (facts.managed) {
            terminated_ = terminated_by(facts.stderr_tail);
        } else if (!facts.owner_log.empty()) {
            libvirt_ = libvirt_end(facts.owner_log);
            terminated_ = libvirt_.by;
        }
    }

    Ending run() const {
        if (status_ && status_->signal != 0) return by_signal(status_->signal);
        if (facts_.shutdown) return by_shutdown(*facts_.shutdown, Evidence::Qmp);
        if (const auto traced = event_of_cause(facts_.trace_cause)) {
            return by_shutdown(*traced, Evidence::Trace);
        }
        if (libvirt_.is_libvirts() && !libvirt_.reason.empty() && !was_cut()) return by_libvirt();
        if (terminated_) {
            return ending(asked_for(facts_.asked, terminated_->signal) ? EndedBy::Host
                                                                       : EndedBy::Signal,
                          Evidence::Stderr,
                          sender());
        }
        if (status_ && status_->code != 0) {
            const auto words = last_words(facts_.stderr_tail);
            return ending(EndedBy::Crash,
                          status_evidence_,
                          words.empty() ? fmt::format("exit code {}", status_->code) : words);
        }
        if (!status_ && facts_.oom_kills > 0) return out_of_memory();
        if (was_cut()) {
            return ending(EndedBy::Host, status_evidence_, order());
        }
        return ending(EndedBy::Unknown,
                      status_evidence_,
                      status_ ? "exit code 0, which a guest and a signal both give" : "");
    }

private:
    Ending ending(EndedBy by, Evidence evidence, std::string detail) const {
        Ending out{.by = by, .evidence = evidence, .detail = std::move(detail), .at = facts_.at};
        if (status_) {
            out.exit_code = status_->code;
            out.signal = status_->signal;
        }
        // QEMU handles SIGTERM, SIGINT and SIGHUP and exits with 0: the signal is in its words
        // only.
        if (out.signal == 0 && terminated_ && by != EndedBy::Guest)
            out.signal = terminated_->signal;
        return out;
    }

    Ending out_of_memory() const {
        return ending(EndedBy::Oom, Evidence::Cgroup, "killed for lack of memory");
    }

    Ending by_signal(int signal) const {
        if (signal == SIGKILL && facts_.oom_kills > 0 && !asked_for(facts_.asked, signal)) {
            return out_of_memory();
        }
        auto detail = signal_name(signal);
        if (asked_for(facts_.asked, signal)) detail = order();
        const auto before = facts_.shutdown ? facts_.shutdown : event_of_cause(facts_.trace_cause);
        if (before) detail += " after " + printable(before->reason, 64);
        if (is_crash(signal)) return ending(EndedBy::Crash, status_evidence_, detail);
        return ending(asked_for(facts_.asked, signal) ? EndedBy::Host : EndedBy::Signal,
                      status_evidence_,
                      detail);
    }

    Ending by_shutdown(const ShutdownEvent& event, Evidence evidence) const {
        auto reason = printable(event.reason, 64);
        if (event.guest) return ending(EndedBy::Guest, evidence, reason);
        if (event.reason == "host-error") return ending(EndedBy::Crash, evidence, reason);
        if (event.reason == "host-signal") {
            const int signal = terminated_ ? terminated_->signal : SIGTERM;
            if (asked_for(facts_.asked, signal)) return ending(EndedBy::Host, evidence, order());
            return ending(EndedBy::Signal, evidence, terminated_ ? sender() : reason);
        }
        const bool ours = facts_.asked && facts_.asked->how == Asked::How::Quit;
        return ending(EndedBy::Host, evidence, ours ? order() : reason);
    }

    bool was_cut() const { return facts_.asked && facts_.asked->how != Asked::How::Button; }

    Ending by_libvirt() const {
        const auto& reason = libvirt_.reason;
        const auto by = reason == "shutdown"  ? EndedBy::Guest
                        : reason == "crashed" ? EndedBy::Crash
                                              : EndedBy::Host;
        auto out = ending(by, Evidence::Stderr, "libvirt: " + printable(reason, 64));
        out.signal = 0; // libvirt's way of putting QEMU away says nothing
        return out;
    }

    std::string order() const {
        const auto how = to_string(facts_.asked->how);
        if (facts_.asked->by.empty()) return std::string{how};
        return fmt::format("{} by {}", how, printable(facts_.asked->by, 200));
    }

    std::string sender() const {
        const auto name = signal_name(terminated_->signal);
        if (terminated_->pid == 0) return name;
        return fmt::format(
            "{} from pid {} ({})", name, terminated_->pid, printable(terminated_->program, 64));
    }

    const ExitFacts& facts_;
    std::optional<ExitStatus> status_;
    Evidence status_evidence_ = Evidence::None;
    std::optional<TerminatedBy> terminated_;
    LibvirtEnd libvirt_;
};

// The text after the last `mark`, up to the end of its line; nothing without a complete line.
std::optional<std::string_view> after_last(std::string_view text, std::string_view mark) {
    const auto end = text.rfind('\n');
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(0, end);
    const auto at = text.rfind(mark);
    if (at == std::string_view::npos) return std::nullopt;
    text.remove_prefix(at + mark.size());
    return text.substr(0, text.find('\n'));
}

} // namespace

Ending decide_ending(const ExitFacts& facts) {
    return Decision{facts}.run();
}

std::optional<int> last_trace_cause(std::string_view log) {
    const auto text = after_last(log, "qemu_system_shutdown_request reason=");
    if (!text) return std::nullopt;
    const auto number = parse_number(trim(*text));
    if (!number || *number > 1000) return std::nullopt;
    return static_cast<int>(*number);
}

std::string last_words(std::string_view text) {
    text = trim(text);
    const auto last = text.rfind('\n');
    if (last == std::string_view::npos) return printable(text);
    const auto line = trim(text.substr(last + 1));
    const auto rest = trim(text.substr(0, last));
    const auto before = trim(rest.substr(rest.rfind('\n') + 1));
    // QEMU's hints are lines of their own behind what went wrong, without its name in front.
    if (line.starts_with("qemu") || !before.starts_with("qemu")) return printable(line);
    return printable(fmt::format("{}; {}", before, line));
}

std::optional<TerminatedBy> terminated_by(std::string_view stderr_text) {
    const auto text = after_last(stderr_text, ": terminating on signal ");
    if (!text) return std::nullopt;
    auto rest = *text;
    const auto signal = parse_number(rest.substr(0, rest.find(' ')));
    if (!signal || *signal < 1 || *signal > 64) return std::nullopt;
    TerminatedBy out{.signal = static_cast<int>(*signal)};
    constexpr std::string_view from = " from pid ";
    const auto at = rest.find(from);
    if (at == std::string_view::npos) return out;
    rest.remove_prefix(at + from.size());
    const auto pid = parse_number(rest.substr(0, rest.find(' ')));
    if (pid && *pid <= 0x7fffffff) out.pid = static_cast<std::uint32_t>(*pid);
    const auto open = rest.find('(');
    const auto close = rest.rfind(')');
    if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
        out.program = rest.substr(open + 1, close - open - 1);
    }
    return out;
}

bool LibvirtEnd::is_libvirts() const {
    if (!by) return true;
    const auto name = std::string_view{by->program}.substr(by->program.rfind('/') + 1);
    return by->signal == SIGTERM && (name == "libvirtd" || name == "virtqemud");
}

LibvirtEnd libvirt_end(std::string_view log) {
    const auto run = log.rfind(": starting up libvirt version: ");
    if (run != std::string_view::npos) log.remove_prefix(run);
    LibvirtEnd out{.by = terminated_by(log), .reason = {}};
    if (const auto reason = after_last(log, ": shutting down, reason=")) out.reason = trim(*reason);
    return out;
}

std::string signal_name(int number) {
    struct Name {
        int number;
        std::string_view name;
    };
    constexpr auto names = std::to_array<Name>({{SIGHUP, "SIGHUP"},
                                                {SIGINT, "SIGINT"},
                                                {SIGQUIT, "SIGQUIT"},
                                                {SIGILL, "SIGILL"},
                                                {SIGTRAP, "SIGTRAP"},
                                                {SIGABRT, "SIGABRT"},
                                                {SIGBUS, "SIGBUS"},
                                                {SIGFPE, "SIGFPE"},
                                                {SIGKILL, "SIGKILL"},
                                                {SIGUSR1, "SIGUSR1"},
                                                {SIGSEGV, "SIGSEGV"},
                                                {SIGUSR2, "SIGUSR2"},
                                                {SIGPIPE, "SIGPIPE"},
                                                {SIGALRM, "SIGALRM"},
                                                {SIGTERM, "SIGTERM"},
                                                {SIGXCPU, "SIGXCPU"},
                                                {SIGXFSZ, "SIGXFSZ"},
                                                {SIGSYS, "SIGSYS"}});
    for (const auto& [known, name] : names) {
        if (known == number) return std::string{name};
    }
    return fmt::format("signal {}", number);
}

} // namespace ctys::qemu
