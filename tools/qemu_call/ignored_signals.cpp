#include "tools/qemu_call/ignored_signals.h"

#include "mesh/core/text.h"
#include "mesh/qemu/option_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace ctys::call {

namespace {

struct SignalRow {
    std::string_view name;
    int number;
    std::string_view why_not = {}; ///< it is not ignored
};

constexpr std::string_view of_nobody = "nobody can ignore it";
constexpr std::string_view of_a_fault = "it tells of a fault";

constexpr auto signal_rows = std::to_array<SignalRow>({
    {"HUP", SIGHUP},
    {"INT", SIGINT},
    {"QUIT", SIGQUIT},
    {"ILL", SIGILL, of_a_fault},
    {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT, of_a_fault},
    {"BUS", SIGBUS, of_a_fault},
    {"FPE", SIGFPE, of_a_fault},
    {"KILL", SIGKILL, of_nobody},
    {"USR1", SIGUSR1},
    {"SEGV", SIGSEGV, of_a_fault},
    {"USR2", SIGUSR2},
    {"PIPE", SIGPIPE},
    {"ALRM", SIGALRM},
    {"TERM", SIGTERM},
    {"CHLD", SIGCHLD, "by it the end of QEMU is seen"},
    {"CONT", SIGCONT},
    {"STOP", SIGSTOP, of_nobody},
    {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},
    {"URG", SIGURG},
    {"XCPU", SIGXCPU},
    {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF},
    {"WINCH", SIGWINCH},
    {"IO", SIGIO},
    {"PWR", SIGPWR},
    {"SYS", SIGSYS, of_a_fault},
});

const SignalRow* find_signal(std::string_view word) {
    if (word.size() > 3 && equals_ignoring_case(word.substr(0, 3), "SIG")) word.remove_prefix(3);
    const auto number = qemu::parse_number(word);
    const auto found = std::find_if(signal_rows.begin(), signal_rows.end(), [&](const auto& row) {
        return number ? static_cast<std::uint64_t>(row.number) == *number
                      : equals_ignoring_case(row.name, word);
    });
    return found == signal_rows.end() ? nullptr : &*found;
}

} // namespace

Result<IgnoredSignals> parse_ignored_signals(std::string_view text) {
    IgnoredSignals out;
    while (true) {
        const auto begin = text.find_first_not_of(", \t\n");
        if (begin == std::string_view::npos) return out;
        text.remove_prefix(begin);
        const auto word = text.substr(0, text.find_first_of(", \t\n"));
        text.remove_prefix(word.size());
        const auto* row = find_signal(word);
        if (row == nullptr) {
            return fail(ErrorCode::Usage,
                        fmt::format("\"{}\" is no signal: a number, or a name as INT, QUIT, TSTP",
                                    printable(word, 40)));
        }
        if (!row->why_not.empty()) {
            out.notes.push_back(fmt::format(
                "CTYS_SIGIGNORESPEC: {} is left out of it: {}", printable(word), row->why_not));
        } else if (std::find(out.signals.begin(), out.signals.end(), row->number) ==
                   out.signals.end()) {
            out.signals.push_back(row->number);
        }
    }
}

std::string names_of(const std::vector<int>& signals) {
    std::vector<std::string_view> names;
    for (const auto& row : signal_rows) {
        if (std::find(signals.begin(), signals.end(), row.number) != signals.end())
            names.push_back(row.name);
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

} // namespace ctys::call
