#pragma once

#include "agent/core/ladder.h"
#include "agent/core/owner_command.h"
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
/// Wrapper of a VM; one that is not this version's own is run with --check before (ADR 0013).
/// Answered by LaunchEnded where no QEMU comes of it.
struct Launch {
    ActionId action;
    VmId vm;
    std::string label;
    std::string config;
    std::string wrapper;
    std::string user;            ///< empty: the owner of the configuration
    std::uint32_t owner_uid = 0; ///< of the configuration, when it was scanned
    std::uint64_t token = 0;
    bool discard_state = false;       ///< what `suspend` has saved is thrown away
    std::vector<std::string> options; ///< to the wrapper, beside those of the agent
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
    QueryDisks,
    QueryJobs,
    SaveState,   ///< snapshot-save, as a job; QEMU may answer when it is over only
    LoadState,   ///< snapshot-load, as a job, likewise
    DeleteState, ///< snapshot-delete, as a job
    CancelJob,
    DismissJob,
    QueryDrives,
    OpenTray, ///< of a locked one: its guest is asked
    Eject,
    ChangeMedium,
};
[[nodiscard]] std::string_view to_string(Monitor command);
/// A snapshot to be saved or deleted by a job of QEMU.
struct StateJob {
    std::string id;
    std::string tag;
    std::string vmstate; ///< of SaveState and LoadState: the node that keeps memory and devices
    std::vector<std::string> nodes; ///< disks it is of
};
/// What is to be done with the medium of a drive.
struct MediumChange {
    std::string device; ///< as DriveFacts::device
    std::string image;  ///< of ChangeMedium
    bool force = false; ///< past a guest that has locked the tray
};
/// Answered by MonitorReply with the same number.
struct MonitorCommand {
    InstanceKey key;
    std::uint64_t number = 0;
    Monitor command = Monitor::QueryStatus;
    StateJob job = {};        ///< of the commands about jobs
    MediumChange medium = {}; ///< of Eject and ChangeMedium
};
/// Can this account open the image, and is it a file or block device? Answered by ImageChecked with
/// the same number.
struct CheckImage {
    InstanceKey key;
    std::uint64_t number = 0;
    std::string image; ///< absolute
    std::string config;
    std::uint32_t uid = 0;
};
/// Writes the note that a VM's state lies in its image, or takes it away, as its owner: beside its
/// configuration, durably. Those of one configuration are done one after the other. Answered by
/// StateNoted with the same number; nobody waits for number 0.
struct NoteState {
    InstanceKey key;
    std::uint64_t number = 0;
    std::string config;
    std::uint32_t uid = 0;
    bool saved = true;
};
struct SignalProcess {
    InstanceKey key;
    int signal = 0;
};
/// A start was given up before its QEMU was there: what its wrapper left is ended and removed.
struct EndLaunch {
    ActionId action;
};
/// The owner of a foreign VM is told to ask it to end. Replaces an earlier one of the same VM.
/// Answered by OwnerCommandEnded.
struct RunOwnerCommand {
    InstanceKey key;
    OwnerCall call;
    Duration patience{}; ///< a command that takes longer is ended
};
/// What the agent inside a guest (qemu-ga) is asked for, over the channel of its VM. Replaces an
/// earlier question to the same guest. Answered by GuestAnswered with the same number.
struct AskGuest {
    enum class What : std::uint8_t { PowerOff, RunLevel };
    InstanceKey key;
    std::uint64_t number = 0;
    What what = What::PowerOff;
    std::uint8_t level = 0; ///< of RunLevel
    Duration sync{};        ///< time in which it has to show that it is there
    Duration answer{};      ///< behind that, time in which it may refuse, or tell how it ended
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
/// The command that brings this machine to another run level. Answered by RunLevelEnded.
struct ChangeRunLevel {
    ActionId action;
    std::uint8_t level = 0; ///< 0: power off; 6: reboot
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
enum class TimerKind : std::uint8_t {
    Uplink,
    Ladder,
    Start,
    Order,
    HandStart,
    HostStop,
    Boot,
    Suspension,
    Media,
    Snapshot
};
struct TimerKey {
    TimerKind kind = TimerKind::Uplink;
    InstanceKey instance; ///< of Ladder, Suspension, Media and Snapshot
    ActionId action;      ///< of Start, Order and HandStart; none of HostStop and Boot

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
                          AskGuest,
                          RemoveInstance,
                          KeepRecord,
                          ScanNow,
                          ProveRequest,
                          AnswerCaller,
                          NoteState,
                          CheckImage,
                          ChangeRunLevel>;

/// How far the stopping of this machine's VMs is: for who asked, for the log, and for the service
/// manager. Does not wait for the disk.
struct TellStop {
    msg::GuestsStopping told;
};

/// What a worker knows of its machine's ups and downs. Kept in the spool.
struct HostMemory {
    BootId boot;              ///< in which VMs were started as ONBOOT says; none: never
    bool is_stopping = false; ///< a stop of the VMs had begun and not ended
    std::vector<VmId> ran;    ///< ours, when the last stop began

    bool operator==(const HostMemory&) const = default;
};

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
    std::optional<HostMemory> memory;
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
                            AskGuest,
                            RemoveInstance,
                            KeepRecord,
                            ScanNow,
                            ProveRequest,
                            AnswerCaller,
                            NoteState,
                            CheckImage,
                            ChangeRunLevel,
                            ArmTimer,
                            TellStop,
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
    qemu::OwnerHandle handle = {}; ///< of one that an owner with commands has started
};
/// The commands of owners, as the settings name them now and as far as they are on this machine.
struct OwnersChanged {
    OwnerCommands owners;
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
struct SnapshotFacts {
    std::string name;
    WallTime at;
    std::uint64_t state_bytes = 0; ///< 0: this disk holds its own contents only
};
/// A disk as QEMU has it open.
struct DiskFacts {
    std::string name; ///< of the drive: "ide0-hd0"
    std::string node;
    std::string file;
    std::string format;
    bool writable = true;
    bool temporary = false; ///< what is written goes to a file that ends with QEMU
    std::vector<SnapshotFacts> snapshots = {};
};
/// A drive whose medium can be changed.
struct DriveFacts {
    Drive drive;
    std::string device; ///< by which QEMU finds it
};
/// Its monitor is connected and was queried.
struct MonitorUp {
    InstanceKey key;
    VmState state = VmState::Unknown;
    std::string reason;
    std::string accelerator;
    std::string version;
    std::string display;
    bool has_guest_agent = false; ///< there is a channel to one; whether it answers is not known
    std::vector<Drive> drives = {};
    std::vector<DiskFacts> disks = {};
};
struct MonitorDown {
    InstanceKey key;
};
struct JobFacts {
    std::string id;
    bool concluded = false;
    std::string error = {}; ///< of a concluded one that failed
};
struct MonitorReply {
    InstanceKey key;
    std::uint64_t number = 0;
    std::optional<Error> error;
    VmState state = VmState::Unknown; ///< of QueryStatus
    std::string reason;
    std::vector<DiskFacts> disks = {};   ///< of QueryDisks
    std::vector<JobFacts> jobs = {};     ///< of QueryJobs
    std::vector<DriveFacts> drives = {}; ///< of QueryDrives
};
struct ImageChecked {
    InstanceKey key;
    std::uint64_t number = 0;
    std::optional<Error> error = {};
};
struct StateNoted {
    InstanceKey key;
    std::uint64_t number = 0;
    std::string config = {};
    bool saved = true; ///< the note was to be written, else to be taken away
    std::optional<Error> error = {};
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
        Panic,
        JobConcluded,
        TrayMoved
    };
    InstanceKey key;
    What what = What::Stop;
    bool by_guest = false; ///< of Shutdown and Reset
    std::string reason;    ///< QEMU's word; of JobConcluded: the job's id; of TrayMoved: the drive
    WallTime time;
    bool is_open = false; ///< of TrayMoved
};
struct LaunchEnded {
    ActionId action;
    int exit_code = 0;  ///< it refused, or ended before QEMU was there
    std::string output; ///< last lines, for people
};
struct OwnerCommandEnded {
    InstanceKey key;
    int exit_code = 0;
    std::string output;
};
/// Of PowerOff: no error means that the guest has taken it, not that it is done.
struct GuestAnswered {
    InstanceKey key;
    std::uint64_t number = 0;
    std::optional<Error> error = {};
    int exit_status = 0; ///< of RunLevel
};
struct RunLevelEnded {
    ActionId action;
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
/// What a survey has found of KVM is written down for wrappers; or it has failed, and the next one
/// comes much later.
struct SurveyEnded {};
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
/// The machine goes down, or somebody wants its VMs stopped as if it did.
struct StopAsked {
    std::optional<Duration> deadline; ///< none: as configured
    std::string why;
};
/// The process that asked has ended.
struct CallerGone {
    std::uint64_t caller = 0;
};

/// The agent ends in order, with nothing left to tell; what runs goes on.
struct Leaving {};

using Input = std::variant<FromBroker,
                           Appeared,
                           EndedWhileAway,
                           Exited,
                           MonitorUp,
                           MonitorDown,
                           MonitorReply,
                           MonitorEvent,
                           StateNoted,
                           ImageChecked,
                           LaunchEnded,
                           OwnerCommandEnded,
                           GuestAnswered,
                           OwnersChanged,
                           RunLevelEnded,
                           Scanned,
                           ScanFinished,
                           Proved,
                           FactsChanged,
                           SurveyEnded,
                           Spooled,
                           SpoolFailed,
                           TimerFired,
                           HandStartAsked,
                           StopAsked,
                           CallerGone,
                           Leaving>;

} // namespace ctys::agent
