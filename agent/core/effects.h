#pragma once

#include "agent/core/ladder.h"
#include "mesh/core/intent.h"
#include "mesh/core/message.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace ctys::agent {

// ---- what the agent decides --------------------------------------------------------------------

struct ToBroker {
    Envelope envelope;
};
/// Wrapper of a VM, first with --check, then for real. Answered by LaunchEnded.
struct Launch {
    ActionId action;
    VmId vm;
    std::string label;
    std::string config;
    std::string wrapper;
    std::string user;            ///< empty: the owner of the configuration
    std::uint32_t owner_uid = 0; ///< of the configuration, when it was scanned
    std::uint64_t token = 0;
    bool check_only = true;
};
enum class Monitor : std::uint8_t {
    Cont,
    Stop,
    Powerdown,
    Wakeup,
    Reset,
    Quit,
    ShutdownPauses,    ///< set-action shutdown=pause: a power-off only stops the CPUs
    ShutdownPowersOff, ///< set-action shutdown=poweroff
    QueryStatus,
};
[[nodiscard]] std::string_view to_string(Monitor command);
/// Answered by MonitorReply with the same number.
struct MonitorCommand {
    InstanceKey key;
    std::uint64_t number = 0;
    Monitor command = Monitor::QueryStatus;
};
struct SignalProcess {
    InstanceKey key;
    int signal = 0;
};
/// A start was given up before its QEMU was there: what its wrapper left is ended and removed.
struct EndLaunch {
    ActionId action;
};
/// Shutdown command of a foreign VM's owner. Answered by OwnerCommandEnded.
struct RunOwnerCommand {
    InstanceKey key;
    Owner owner = Owner::Unknown;
};
/// The instance's directory and sockets are no longer needed: its end is durable.
struct RemoveInstance {
    InstanceKey key;
};
/// The record of one of our instances, to be found again by a later life of the agent.
struct KeepRecord {
    InstanceRecord record;
};
struct ScanNow {
    ActionId action; ///< answered by ScanFinished; none: nobody waits
};
struct ProveRequest {
    msg::ProveStorage request;
    std::uint64_t correlation = 0;
};
/// To the wrapper that asked for a start by hand.
struct AnswerCaller {
    std::uint64_t caller = 0;
    msg::HandGrant grant;
};
enum class TimerKind : std::uint8_t { Uplink, Ladder, Start, Order, HandStart };
struct TimerKey {
    TimerKind kind = TimerKind::Uplink;
    InstanceKey instance; ///< of Ladder
    ActionId action;      ///< of Start, Order and HandStart

    auto operator<=>(const TimerKey&) const = default;
};
/// Replaces an earlier timer of the same key. Comes back as TimerFired.
struct ArmTimer {
    TimerKey key;
    Instant at;
};
struct LogLine {
    enum class Level : std::uint8_t { Debug, Info, Warning, Error };
    Level level = Level::Info;
    std::string text;
};

/// What may be done only when the spool is durable.
using Deed = std::variant<ToBroker,
                          Launch,
                          EndLaunch,
                          MonitorCommand,
                          SignalProcess,
                          RunOwnerCommand,
                          RemoveInstance,
                          KeepRecord,
                          ScanNow,
                          ProveRequest,
                          AnswerCaller>;

struct SpoolEvent {
    std::uint64_t sequence = 0;
    std::uint64_t hash_before = 0;
    SharedBytes bytes;
};
/// One unit of the spool: durable together. `then` is performed afterwards, in order, and the core
/// is told by Spooled{last_sequence}.
struct Spool {
    std::vector<SpoolEvent> events;
    std::vector<Intent> begun;   ///< intents written before the deed
    std::vector<ActionId> ended; ///< intents whose outcome is among the events
    std::uint64_t last_sequence = 0;
    std::vector<Deed> then;
};
/// Events up to here are acknowledged, or dropped for lack of room, and need not be kept; also
/// those that are still on their way to the disk.
struct TrimSpool {
    std::uint64_t through = 0;
    Cursor cursor;
};

using Effect = std::variant<ToBroker,
                            Launch,
                            EndLaunch,
                            MonitorCommand,
                            SignalProcess,
                            RunOwnerCommand,
                            RemoveInstance,
                            KeepRecord,
                            ScanNow,
                            ProveRequest,
                            AnswerCaller,
                            ArmTimer,
                            LogLine,
                            Spool,
                            TrimSpool>;
using Effects = std::vector<Effect>;

// ---- what happens to the agent -----------------------------------------------------------------

struct FromBroker {
    Envelope envelope;
};
/// A QEMU process is there. `record` holds everything known without its monitor.
struct Appeared {
    InstanceRecord record;
    /// Found when the agent began: no news. If the broker does not know it, the full exchange
    /// tells.
    bool adopted = false;
};
/// One of ours that ended while no agent was there to see it; `record` is the last that was kept.
struct EndedWhileAway {
    InstanceRecord record;
    Ending ending;
};
/// A QEMU process has ended, and all evidence is in.
struct Exited {
    InstanceKey key;
    Ending ending;
};
/// Its monitor is connected and was queried.
struct MonitorUp {
    InstanceKey key;
    VmState state = VmState::Unknown;
    std::string reason;
    std::string accelerator;
    std::string version;
    std::string display;
    bool has_guest_agent = false;
};
struct MonitorDown {
    InstanceKey key;
};
struct MonitorReply {
    InstanceKey key;
    std::uint64_t number = 0;
    std::optional<Error> error;
    VmState state = VmState::Unknown; ///< of QueryStatus
    std::string reason;
};
struct MonitorEvent {
    enum class What : std::uint8_t {
        Stop,
        Resume,
        Powerdown,
        Shutdown,
        Reset,
        Suspend,
        Wakeup,
        IoError,
        Panic
    };
    InstanceKey key;
    What what = What::Stop;
    bool by_guest = false; ///< of Shutdown and Reset
    std::string reason;    ///< QEMU's word
    WallTime time;
};
struct LaunchEnded {
    ActionId action;
    bool check_only = true;
    int exit_code = 0;  ///< of --check; of the real run: it ended before QEMU was there
    std::string output; ///< last lines, for people
};
struct OwnerCommandEnded {
    InstanceKey key;
    int exit_code = 0;
    std::string output;
};
/// What the scanner found: events without sequence, as they are to be published.
struct Scanned {
    std::vector<Event> events;
};
struct ScanFinished {
    ActionId action; ///< none: the first walk of all pools, which nobody asked for
    std::string text;
};
struct Proved {
    msg::StorageProof proof;
    std::uint64_t correlation = 0;
};
struct FactsChanged {
    WorkerRecord worker;
};
struct Spooled {
    std::uint64_t last_sequence = 0;
};
struct SpoolFailed {
    std::string why;
};
struct TimerFired {
    TimerKey key;
};
/// A wrapper that somebody runs by hand asks for the right to start its VM.
struct HandStartAsked {
    std::uint64_t caller = 0; ///< of this life of the agent, never used twice
    ActionId action;          ///< fresh
    std::string config;       ///< absolute path
    std::string label;
    std::string user;       ///< account that runs the wrapper
    bool on_shared = false; ///< other machines may have this storage, too
};
/// The process that asked has ended.
struct CallerGone {
    std::uint64_t caller = 0;
};

using Input = std::variant<FromBroker,
                           Appeared,
                           EndedWhileAway,
                           Exited,
                           MonitorUp,
                           MonitorDown,
                           MonitorReply,
                           MonitorEvent,
                           LaunchEnded,
                           OwnerCommandEnded,
                           Scanned,
                           ScanFinished,
                           Proved,
                           FactsChanged,
                           Spooled,
                           SpoolFailed,
                           TimerFired,
                           HandStartAsked,
                           CallerGone>;

} // namespace ctys::agent
