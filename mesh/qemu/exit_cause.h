#pragma once

#include "mesh/core/vm.h"
#include "mesh/qemu/instance_file.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ctys::qemu {

/// The SHUTDOWN event of QMP.
struct ShutdownEvent {
    bool guest = false;
    std::string reason; ///< "guest-shutdown", "host-qmp-quit", ...; empty from old QEMUs

    bool operator==(const ShutdownEvent&) const = default;
};

/// What we did to make it end, the last rung only.
struct Asked {
    enum class How { Button, Quit, Sigterm, Sigkill };

    How how = How::Button;
    std::string by; ///< whose order: "deadline of a-0123456789abcdef"

    bool operator==(const Asked&) const = default;
};

/// "terminating on signal 15 from pid 4711 (bash)" on QEMU's stderr.
struct TerminatedBy {
    int signal = 0;
    std::uint32_t pid = 0;
    std::string program;

    bool operator==(const TerminatedBy&) const = default;
};

/// All that is known when the pidfd has fired and QMP was read to its end.
struct ExitFacts {
    bool managed = false;                  ///< ours: shim, trace and stderr belong to it
    std::optional<ShutdownEvent> shutdown; ///< the last one on any monitor we heard
    std::optional<ExitStatus> shim;        ///< from the shim's file
    std::optional<ExitStatus> connector;   ///< from the proc connector
    std::optional<int> trace_cause;        ///< last_trace_cause()
    std::string stderr_tail;               ///< of our own instances
    std::string owner_log;                 ///< end of libvirt's log of a domain of libvirt
    std::uint64_t oom_kills = 0;           ///< growth of oom_kill in its cgroup during its life
    std::optional<Asked> asked;
    WallTime at;
};

/// Why a process ended. Rules in order; the first that holds decides.
///
///     known                                     by        evidence
///     1  ended by SIGKILL, oom_kill grew        oom       cgroup
///     2  ended by SEGV ABRT BUS ILL FPE SYS TRAP crash    exit-status | proc-connector
///     3  ended by another signal, asked so      host      exit-status | proc-connector
///     4  ended by another signal                signal    exit-status | proc-connector
///     5  SHUTDOWN, guest                        guest     qmp
///     6  SHUTDOWN, host-error                   crash     qmp
///     7  SHUTDOWN, host-signal, not asked       signal    qmp
///     8  SHUTDOWN, anything else                host      qmp
///     9  trace: the same by number              as 5-8    trace
///     10 libvirt's reason, no foreign signal    guest | crash | host   stderr
///     11 stderr names the signal, asked so      host      stderr
///     12 stderr names the signal                signal    stderr
///     13 exit code other than 0                 crash     exit-status | proc-connector
///     14 no status, oom_kill grew               oom       cgroup
///     15 asked by quit or signal                host      of the status, else none
///     16 nothing else                           unknown   of the status, else none
///
/// A signal that ended the process outranks a SHUTDOWN before it: a guest that powered off in a
/// QEMU that then hung and was killed did not end the process; the detail names both. An exit code
/// 0 alone never makes `guest`: SIGTERM and quit look the same (FIELD-GUIDE 9). "Asked so" means
/// that our last rung sent that very signal. The exit status of the shim outranks the proc
/// connector's. A QEMU of libvirt stays when its guest has powered off, and libvirt puts it away:
/// its log says why (9.0: "shutdown" of a guest alone; a SIGTERM of others is "crashed" to it, and
/// QEMU's own words before name the sender).
[[nodiscard]] Ending decide_ending(const ExitFacts& facts);

/// The number in the last complete "qemu_system_shutdown_request reason=N" line of a trace file.
[[nodiscard]] std::optional<int> last_trace_cause(std::string_view log);

/// What libvirt's log of a domain says of the end of its last run.
struct LibvirtEnd {
    std::optional<TerminatedBy> by; ///< QEMU's word
    std::string reason; ///< libvirt's: "shutdown", "destroyed", "crashed"; empty: none yet

    /// Nobody but libvirt sent QEMU a signal.
    [[nodiscard]] bool is_libvirts() const;
    bool operator==(const LibvirtEnd&) const = default;
};
[[nodiscard]] LibvirtEnd libvirt_end(std::string_view log);

/// What QEMU or a wrapper said last: one line, or an error of QEMU with the hint behind it;
/// printable.
[[nodiscard]] std::string last_words(std::string_view text);
/// From the last such line of QEMU's stderr.
[[nodiscard]] std::optional<TerminatedBy> terminated_by(std::string_view stderr_text);

/// "SIGKILL"; "signal 40" for one without a common name.
[[nodiscard]] std::string signal_name(int number);

} // namespace ctys::qemu
