#include "mesh/qemu/exit_cause.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;

namespace {

using How = Asked::How;

ExitStatus code(int value) {
    return {.code = value};
}
ExitStatus signal(int value) {
    return {.signal = value};
}

constexpr auto sigterm_words =
    "qemu-system-x86_64: terminating on signal 15 from pid 4711 (bash)\n";

struct Row {
    std::string rule;
    ExitFacts facts;
    EndedBy by;
    Evidence evidence;
    std::string detail;
};

} // namespace

TEST_CASE("the end of an instance is decided by the first rule that holds", "[qemu]") {
    const ShutdownEvent guest{true, "guest-shutdown"};
    const ShutdownEvent quit{false, "host-qmp-quit"};
    const ShutdownEvent term{false, "host-signal"};
    const auto row = GENERATE_REF(values<Row>({
        {"1",
         {.shim = signal(9), .oom_kills = 1},
         EndedBy::Oom,
         Evidence::Cgroup,
         "killed for lack of memory"},
        {"1: our own SIGKILL beside another's oom",
         {.shim = signal(9), .oom_kills = 1, .asked = Asked{How::Sigkill, "deadline"}},
         EndedBy::Host,
         Evidence::ExitStatus,
         "SIGKILL by deadline"},
        {"2", {.shim = signal(11)}, EndedBy::Crash, Evidence::ExitStatus, "SIGSEGV"},
        {"2: in teardown",
         {.shutdown = guest, .shim = signal(6)},
         EndedBy::Crash,
         Evidence::ExitStatus,
         "SIGABRT after guest-shutdown"},
        {"2: sandbox",
         {.connector = signal(31)},
         EndedBy::Crash,
         Evidence::ProcConnector,
         "SIGSYS"},
        {"3",
         {.shim = signal(9), .asked = Asked{How::Sigkill, ""}},
         EndedBy::Host,
         Evidence::ExitStatus,
         "SIGKILL"},
        {"4", {.shim = signal(9)}, EndedBy::Signal, Evidence::ExitStatus, "SIGKILL"},
        {"4: foreign",
         {.connector = signal(9)},
         EndedBy::Signal,
         Evidence::ProcConnector,
         "SIGKILL"},
        {"4: another signal than asked",
         {.shim = signal(9), .asked = Asked{How::Sigterm, ""}},
         EndedBy::Signal,
         Evidence::ExitStatus,
         "SIGKILL"},
        {"4: after the guest",
         {.shutdown = guest, .shim = signal(9)},
         EndedBy::Signal,
         Evidence::ExitStatus,
         "SIGKILL after guest-shutdown"},
        {"5",
         {.shutdown = guest, .shim = code(0)},
         EndedBy::Guest,
         Evidence::Qmp,
         "guest-shutdown"},
        {"5: button",
         {.shutdown = guest, .asked = Asked{How::Button, ""}},
         EndedBy::Guest,
         Evidence::Qmp,
         "guest-shutdown"},
        {"5: oom of a helper",
         {.shutdown = guest, .shim = code(0), .oom_kills = 1},
         EndedBy::Guest,
         Evidence::Qmp,
         "guest-shutdown"},
        {"6",
         {.shutdown = ShutdownEvent{false, "host-error"}},
         EndedBy::Crash,
         Evidence::Qmp,
         "host-error"},
        {"7", {.shutdown = term}, EndedBy::Signal, Evidence::Qmp, "host-signal"},
        {"7: with a name",
         {.managed = true, .shutdown = term, .shim = code(0), .stderr_tail = sigterm_words},
         EndedBy::Signal,
         Evidence::Qmp,
         "SIGTERM from pid 4711 (bash)"},
        {"8: SIGTERM of ours",
         {.shutdown = term, .asked = Asked{How::Sigterm, "a-1"}},
         EndedBy::Host,
         Evidence::Qmp,
         "SIGTERM by a-1"},
        {"8", {.shutdown = quit, .shim = code(0)}, EndedBy::Host, Evidence::Qmp, "host-qmp-quit"},
        {"8: ours",
         {.shutdown = quit, .asked = Asked{How::Quit, "a-1"}},
         EndedBy::Host,
         Evidence::Qmp,
         "quit by a-1"},
        {"8: old QEMU", {.shutdown = ShutdownEvent{}}, EndedBy::Host, Evidence::Qmp, ""},
        {"9: guest",
         {.managed = true, .shim = code(0), .trace_cause = 6},
         EndedBy::Guest,
         Evidence::Trace,
         "guest-shutdown"},
        {"9: quit",
         {.managed = true, .shim = code(0), .trace_cause = 2},
         EndedBy::Host,
         Evidence::Trace,
         "host-qmp-quit"},
        {"9: a number of another version",
         {.managed = true, .shim = code(0), .trace_cause = 99},
         EndedBy::Unknown,
         Evidence::ExitStatus,
         "exit code 0, which a guest and a signal both give"},
        {"10",
         {.managed = true,
          .shim = code(0),
          .stderr_tail = sigterm_words,
          .asked = Asked{How::Sigterm, ""}},
         EndedBy::Host,
         Evidence::Stderr,
         "SIGTERM from pid 4711 (bash)"},
        {"11",
         {.managed = true, .shim = code(0), .stderr_tail = sigterm_words},
         EndedBy::Signal,
         Evidence::Stderr,
         "SIGTERM from pid 4711 (bash)"},
        {"11: not of a foreign process",
         {.stderr_tail = sigterm_words},
         EndedBy::Unknown,
         Evidence::None,
         ""},
        {"12",
         {.managed = true, .shim = code(1), .stderr_tail = "a\nqemu: no such drive\n"},
         EndedBy::Crash,
         Evidence::ExitStatus,
         "qemu: no such drive"},
        {"12: silent",
         {.connector = code(3)},
         EndedBy::Crash,
         Evidence::ProcConnector,
         "exit code 3"},
        {"13",
         {.managed = true, .oom_kills = 2},
         EndedBy::Oom,
         Evidence::Cgroup,
         "killed for lack of memory"},
        {"14",
         {.connector = code(0), .asked = Asked{How::Quit, ""}},
         EndedBy::Host,
         Evidence::ProcConnector,
         "quit"},
        {"14: no status",
         {.asked = Asked{How::Sigkill, ""}},
         EndedBy::Host,
         Evidence::None,
         "SIGKILL"},
        {"15", {}, EndedBy::Unknown, Evidence::None, ""},
        {"15: a foreign 0",
         {.connector = code(0)},
         EndedBy::Unknown,
         Evidence::ProcConnector,
         "exit code 0, which a guest and a signal both give"},
        {"15: a foreign 0 after the button",
         {.connector = code(0), .asked = Asked{How::Button, ""}},
         EndedBy::Unknown,
         Evidence::ProcConnector,
         "exit code 0, which a guest and a signal both give"},
    }));
    CAPTURE(row.rule);

    const auto ending = decide_ending(row.facts);

    CHECK(to_string(ending.by) == to_string(row.by));
    CHECK(to_string(ending.evidence) == to_string(row.evidence));
    CHECK(ending.detail == row.detail);
}

TEST_CASE("an ending carries status, signal and time", "[qemu]") {
    const auto killed = decide_ending({.shim = signal(9), .at = {77}});
    CHECK(killed.exit_code == -1);
    CHECK(killed.signal == 9);
    CHECK(killed.at == WallTime{77});

    const auto terminated =
        decide_ending({.managed = true, .shim = code(0), .stderr_tail = sigterm_words});
    CHECK(terminated.exit_code == 0);
    CHECK(terminated.signal == 15);

    // The shim waited for its child; the connector's word is only used without it.
    CHECK(decide_ending({.shim = code(0), .connector = signal(9)}).signal == 0);
}

TEST_CASE("the last words are a line, with the error in front of a hint", "[qemu]") {
    CHECK(last_words("") == "");
    CHECK(last_words("one line") == "one line");
    CHECK(last_words("a\nqemu: no such drive\n") == "qemu: no such drive");
    CHECK(last_words("x\nqemu: Failed to get \"write\" lock\nIs it used by another?\n") ==
          "qemu: Failed to get \"write\" lock; Is it used by another?");
    CHECK(last_words("./a.sh: line 3: x\nno disk\n\n") == "no disk");
}

TEST_CASE("the trace's last complete request counts", "[qemu]") {
    CHECK(last_trace_cause("qemu_system_shutdown_request reason=6\n") == 6);
    CHECK(last_trace_cause("12@1700000000.5:qemu_system_shutdown_request reason=2\n") == 2);
    CHECK(last_trace_cause("qemu_system_shutdown_request reason=2\nx\n"
                           "qemu_system_shutdown_request reason=6\ny\n") == 6);
    CHECK_FALSE(last_trace_cause("qemu_system_shutdown_request reason=6"));
    CHECK_FALSE(last_trace_cause("qemu_system_shutdown_request reason=six\n"));
    CHECK_FALSE(last_trace_cause("qemu_system_shutdown_request reason=99999999999999999999\n"));
    CHECK_FALSE(last_trace_cause(""));
}

TEST_CASE("QEMU's own words about a signal are understood", "[qemu]") {
    CHECK(terminated_by(sigterm_words) == TerminatedBy{15, 4711, "bash"});
    CHECK(terminated_by("q: terminating on signal 2\n") == TerminatedBy{2, 0, ""});
    CHECK(terminated_by("q: terminating on signal 1 from pid 9 (<unknown process>)\n") ==
          TerminatedBy{1, 9, "<unknown process>"});
    CHECK_FALSE(terminated_by("q: terminating on signal 15 from"));
    CHECK_FALSE(terminated_by("q: terminating on signal 999\n"));
    CHECK_FALSE(terminated_by("q: could not open disk\n"));
}

TEST_CASE("the shim's files read back as they were written", "[qemu]") {
    const ExitFile ended{.status = code(1), .at = {1234567}, .monotonic_us = 99};
    CHECK(to_text(ended) == "code 1\nwall_us 1234567\nmonotonic_us 99\n");
    CHECK(parse_exit_file(to_text(ended)) == ended);
    const ExitFile killed{.status = signal(9), .at = {1}, .monotonic_us = 2};
    CHECK(parse_exit_file(to_text(killed)) == killed);

    const InstanceFacts facts{.label = "web",
                              .uuid = Uuid::parse("1b4e28ba-2fa1-11d2-883f-0016d3cca427").value(),
                              .config = "/vm/a web/web.ctys",
                              .shim_pid = 10,
                              .qemu_pid = 11,
                              .start_ticks = 12,
                              .argv_digest = 0xffffffffffffffff,
                              .action = ActionId{0x1234},
                              .token = 7,
                              .arch = "x86_64",
                              .vcpus = 4,
                              .memory_mb = 512,
                              .resumes = true};
    CHECK(parse_instance_file(to_text(facts)) == facts);
    CHECK(parse_instance_file(to_text(facts) + "later thing\n") == facts);
}

TEST_CASE("damaged shim files are refused", "[qemu]") {
    const std::string text = GENERATE("",
                                      "code 0\n",
                                      "code 0\nwall_us 1\nmonotonic_us 2",
                                      "code 256\nwall_us 1\nmonotonic_us 2\n",
                                      "code 0\nsignal 9\nwall_us 1\nmonotonic_us 2\n",
                                      "signal 0\nwall_us 1\nmonotonic_us 2\n",
                                      "code x\nwall_us 1\nmonotonic_us 2\n",
                                      "code\n");
    CAPTURE(text);

    CHECK(parse_exit_file(text).error().code == ErrorCode::Malformed);
    CHECK(parse_instance_file(text).error().code == ErrorCode::Malformed);
}

namespace {

// As libvirt 9.0 of Debian 12 writes it; an earlier run stands before the last one.
std::string libvirt_log(const std::string& end) {
    return "2026-11-30 00:01:00.000+0000: starting up libvirt version: 9.0.0, package: 9.0.0-4\n"
           "2026-11-30T00:02:00.000000Z qemu-system-x86_64: terminating on signal 15 from pid 7 "
           "(/usr/sbin/libvirtd)\n"
           "2026-11-30 00:02:00.100+0000: shutting down, reason=destroyed\n"
           "2026-11-30 00:03:00.000+0000: starting up libvirt version: 9.0.0, package: 9.0.0-4\n"
           "LC_ALL=C \\\n/usr/bin/qemu-system-x86_64 \\\n-name guest=web,debug-threads=on\n" +
           end;
}

} // namespace

TEST_CASE("libvirt's log says why libvirt ended a domain", "[qemu]") {
    const std::string by_libvirt = "2026-11-30T00:04:00.000000Z qemu-system-x86_64: terminating on "
                                   "signal 15 from pid 4711 (/usr/sbin/libvirtd)\n";
    const std::string by_somebody = "2026-11-30T00:04:00.000000Z qemu-system-x86_64: terminating "
                                    "on signal 15 from pid 4711 (kill)\n";
    const std::string says = "2026-11-30 00:04:00.100+0000: shutting down, reason=";
    struct LogRow {
        std::string end;
        EndedBy by;
        std::string detail;
    };
    const auto row = GENERATE_COPY(values<LogRow>({
        {says + "shutdown\n", EndedBy::Guest, "libvirt: shutdown"},
        {says + "destroyed\n", EndedBy::Host, "libvirt: destroyed"},
        {says + "crashed\n", EndedBy::Crash, "libvirt: crashed"},
        {by_libvirt + says + "shutdown\n", EndedBy::Guest, "libvirt: shutdown"},
        {by_libvirt + says + "destroyed\n", EndedBy::Host, "libvirt: destroyed"},
        // Its word is awaited, and did not come.
        {by_libvirt, EndedBy::Signal, "SIGTERM from pid 4711 (/usr/sbin/libvirtd)"},
        {by_libvirt + says + "shut", EndedBy::Signal, "SIGTERM from pid 4711 (/usr/sbin/libvirtd)"},
        {by_somebody + says + "crashed\n", EndedBy::Signal, "SIGTERM from pid 4711 (kill)"},
        // What an earlier run says is not of this one.
        {"", EndedBy::Unknown, "exit code 0, which a guest and a signal both give"},
    }));
    const auto ending = decide_ending(
        {.connector = ExitStatus{.code = 0, .signal = 0}, .owner_log = libvirt_log(row.end)});
    CHECK(ending.by == row.by);
    CHECK(ending.detail == row.detail);
    CHECK(ending.evidence ==
          (row.by == EndedBy::Unknown ? Evidence::ProcConnector : Evidence::Stderr));
}

TEST_CASE("a domain of libvirt that we ended by a signal was ended by the host", "[qemu]") {
    const auto ending = decide_ending(
        {.connector = ExitStatus{.code = 0, .signal = 0},
         .owner_log = libvirt_log("qemu: terminating on signal 15 from pid 99 (ctys-agent)\n"
                                  "now: shutting down, reason=crashed\n"),
         .asked = Asked{.how = Asked::How::Sigterm, .by = {}}});
    CHECK(ending.by == EndedBy::Host);
}
