#pragma once

#include "mesh/core/id.h"
#include "mesh/core/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ctys {

/// What a VM does now, as `ctys list` shows it.
enum class VmState : std::uint16_t {
    Unknown = 0,   ///< nobody can tell
    Stopped = 1,   ///< no process; a configuration exists
    Starting = 2,  ///< QEMU exists or is being made, the guest does not run yet
    Running = 3,   ///< QMP says running; of a foreign VM: the process exists
    Paused = 4,    ///< somebody stopped its CPUs
    Frozen = 5,    ///< its carrier is paused or suspended
    Suspended = 6, ///< the guest sleeps (S3), or its state is on disk (S4)
    Stopping = 7,  ///< asked to end, not gone yet
    Gone = 8,      ///< a foreign process that ended; kept 24 h
};

[[nodiscard]] std::string_view to_string(VmState state);
[[nodiscard]] std::optional<VmState> vm_state_from_text(std::string_view text);
[[nodiscard]] std::vector<std::string_view> vm_state_words();
/// A process exists (or is about to) that a second start would collide with.
[[nodiscard]] bool is_live(VmState state);

/// One `#@#KEY = "value"` of a configuration, or a bash assignment the scan understands.
struct Setting {
    std::string key;        ///< upper case, without "#@#"
    std::string value;      ///< unquoted
    std::uint32_t line = 0; ///< 1-based; 0 when it is derived
    /// In its folder, of which that is a line; empty: of the configuration itself.
    std::string file = {};

    bool operator==(const Setting&) const = default;
};
/// Where it stands: "line 8", "lab.conf, line 3", or "derived".
[[nodiscard]] std::string place_text(const Setting& setting);

/// Looks a key up; the first occurrence wins (CTYS-REFERENCE 4.1). Empty when absent.
[[nodiscard]] std::string_view find_setting(const std::vector<Setting>& settings,
                                            std::string_view key);

/// Where a directory really lies, independent of the path that leads to it (DESIGN: Identity).
struct StorageIdentity {
    PoolId pool;             ///< innermost marker at or above the directory; none without a marker
    std::string below;       ///< path below the marker, without a leading slash
    std::uint64_t inode = 0; ///< of the VM directory
    std::string filesystem;  ///< type as in mountinfo: "ext4", "nfs4"
    std::string source;      ///< mount source as in mountinfo

    bool operator==(const StorageIdentity&) const = default;
};

/// What becomes of a VM when its machine goes down: #@#ONSTOP.
enum class OnStop : std::uint16_t {
    Shutdown = 0, ///< asked to end; cut at its deadline
    Suspend = 1,  ///< its state to disk; asked to end where that is not possible
    Leave = 2,    ///< not touched: it ends as the machine ends it
    Kill = 3,     ///< cut at once
};
[[nodiscard]] std::string_view to_string(OnStop what);
[[nodiscard]] std::optional<OnStop> on_stop_from_text(std::string_view text);

/// What becomes of a VM when its machine has come up: #@#ONBOOT.
enum class OnBoot : std::uint16_t {
    No = 0,         ///< nothing
    Start = 1,      ///< it is started
    LikeBefore = 2, ///< it is started if it ran when the machine went down
};
[[nodiscard]] std::string_view to_string(OnBoot what);
[[nodiscard]] std::optional<OnBoot> on_boot_from_text(std::string_view text);

/// A VM as such: identity and configuration. Where it runs is in PathRecord and InstanceRecord.
struct VmRecord {
    VmId id;
    std::string label;
    std::string type = "QEMU";
    bool uuid_derived = false;     ///< the configuration has no usable UUID
    bool foreign = false;          ///< known from a process only, no configuration
    VmId copy_of;                  ///< set when the same UUID has an older home on other storage
    std::vector<std::string> macs; ///< lower case, colons
    std::vector<std::string> ips;  ///< text as configured
    std::string arch;              ///< "x86_64"
    std::uint64_t memory_mb = 0;
    std::uint32_t vcpus = 0;
    std::optional<Duration> grace; ///< #@#GRACE: deadline of a shutdown that names none
    OnStop on_stop = OnStop::Shutdown;
    OnBoot on_boot = OnBoot::No;
    /// #@#STARTAFTER: labels of VMs on the same worker that run before this one is started on boot.
    std::vector<std::string> start_after;
    StorageIdentity home;          ///< storage that keeps the identity
    std::vector<Setting> settings; ///< every key of the configuration, with its line
    /// What the configuration says and is not taken as it stands, in sentences with their lines.
    std::vector<std::string> remarks;

    bool operator==(const VmRecord&) const = default;
};

enum class PathHealth : std::uint16_t {
    Good = 1,
    Stale = 2,    ///< not confirmed by the last scan
    Stalled = 3,  ///< its mount does not answer
    Vanished = 4, ///< gone while the pool was readable
    Unproven =
        5,       ///< its pool marker is claimed by several workers and not proven to be one storage
    Ignored = 6, ///< MAGICID-IGNORE or MAGICID-NOENUM
    Unreadable = 7, ///< the configuration is there and cannot be read; the reason says why
};
[[nodiscard]] std::string_view to_string(PathHealth health);

/// One way to run a VM: (VM, worker, configuration file on that worker).
struct PathRecord {
    VmId vm;
    WorkerId worker;
    std::string config;    ///< absolute path on that worker
    std::string wrapper;   ///< absolute path, empty when there is none
    std::string pool_root; ///< the configured pool it was found in
    StorageIdentity storage;
    std::uint64_t config_digest = 0;
    PathHealth health = PathHealth::Good;
    std::string health_reason; ///< e.g. "mount has not answered for 3m"
    std::string vmstate;       ///< VMSTATE of the configuration
    bool runnable = true;      ///< this worker can run it
    std::string why_not;       ///< reason when it cannot
    std::uint32_t owner_uid = 0;
    WallTime first_seen;
    WallTime last_seen;

    bool operator==(const PathRecord&) const = default;
};

enum class Owner : std::uint16_t {
    Unknown = 0,
    Ctys = 1,
    ByHand = 2,
    Libvirt = 3,
    Proxmox = 4,
    Incus = 5
};
[[nodiscard]] std::string_view to_string(Owner owner);

/// Names one process for ever: pid alone is reused.
struct InstanceKey {
    BootId boot; ///< of the machine, so that two agents on it name the process alike
    std::uint32_t pid = 0;
    std::uint64_t start_ticks = 0; ///< field 22 of /proc/PID/stat

    auto operator<=>(const InstanceKey&) const = default;
};

/// Why a process ended. `by` and `evidence` are the words of DESIGN: Instances.
enum class EndedBy : std::uint16_t {
    Unknown = 0,
    Guest = 1,
    Host = 2,
    Signal = 3,
    Crash = 4,
    Oom = 5
};
[[nodiscard]] std::string_view to_string(EndedBy by);
enum class Evidence : std::uint16_t {
    None = 0,
    Qmp = 1,
    Trace = 2,
    Stderr = 3,
    ExitStatus = 4,
    Cgroup = 5,
    ProcConnector = 6,
};
[[nodiscard]] std::string_view to_string(Evidence evidence);

struct Ending {
    EndedBy by = EndedBy::Unknown;
    Evidence evidence = Evidence::None;
    int exit_code = -1; ///< -1: not known
    int signal = 0;     ///< 0: none or not known
    std::string detail; ///< e.g. "SIGKILL", "power cut at deadline", QEMU's last words
    WallTime at;

    bool operator==(const Ending&) const = default;
};

/// A drive of a running VM whose medium can be changed, as its QEMU last told.
struct Drive {
    std::string name;  ///< QEMU's: "ide2-cd0", "floppy0"
    std::string image; ///< the medium; empty: none
    bool has_tray = false;
    bool is_open = false;   ///< the tray
    bool is_locked = false; ///< by the guest

    bool operator==(const Drive&) const = default;
};

/// A snapshot in the disks of a running VM.
struct Snapshot {
    std::string name;
    WallTime at;
    std::uint64_t state_bytes = 0; ///< memory and devices
    bool is_whole = false;         ///< on every disk that it would have to be on, with memory

    bool operator==(const Snapshot&) const = default;
};

/// One QEMU process of a VM.
struct InstanceRecord {
    InstanceKey key;
    VmId vm;
    WorkerId worker; ///< who reports it
    std::string label;
    bool managed = false; ///< started through us
    Owner owner = Owner::Unknown;
    VmState state = VmState::Unknown;
    std::string reason; ///< "io-error", "panicked", ...
    WallTime since;     ///< of the state
    WallTime started;
    std::string user; ///< account name, or the number
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string executable;
    std::string version;     ///< of QEMU, as QMP says
    std::string accelerator; ///< really in use: "tcg", "kvm"
    std::string arch;
    std::string machine;
    std::string config;  ///< path of the configuration it was matched to, if any
    std::string image;   ///< boot image as on its command line
    std::string console; ///< path of the console/monitor socket
    std::string display; ///< ":7", or empty
    std::uint32_t cport = 0;
    std::string note;     ///< "no monitor: can be watched, not asked"
    bool can_ask = false; ///< a shutdown request can reach the guest
    /// It has a channel to one, which is asked first. Whether it answers is not known.
    bool guest_agent = false;
    std::vector<std::string> macs;
    std::uint64_t memory_mb = 0;
    std::uint32_t vcpus = 0;
    ActionId started_by;
    std::uint64_t token = 0; ///< fencing token it was started with; 0 for foreign ones
    std::optional<Ending> ended;
    // What the broker concludes from the VM that carries its worker (DESIGN: Stacks).
    VmState frozen_from = VmState::Unknown; ///< while Frozen: the state that a resume gives back
    bool unverified = false; ///< its end was concluded; no agent has told or confirmed it
    std::vector<Drive> drives;
    std::vector<Snapshot> snapshots; ///< oldest first

    bool operator==(const InstanceRecord&) const = default;
};

/// Reasons of instances whose state goes to disk or comes from there (`ctys suspend`).
namespace reason {
inline constexpr std::string_view suspending = "suspending"; ///< paused, its state is being saved
inline constexpr std::string_view saved = "saved";         ///< paused for ever: its state is saved
inline constexpr std::string_view resuming = "resuming";   ///< its state is loaded; it never ran
inline constexpr std::string_view suspended = "suspended"; ///< it has ended, its state is on disk
} // namespace reason

/// Its state is on disk, and it does not move any more, or never did: however it ends, the next
/// start goes on from there.
[[nodiscard]] bool keeps_saved_state(const InstanceRecord& instance);
/// It has ended with its state on disk.
[[nodiscard]] bool is_suspended_to_disk(const InstanceRecord& instance);

/// The right to run a VM, held by one worker; never ends by time (DESIGN: Life of an action).
struct Lease {
    enum class Phase : std::uint16_t { Reserved = 1, Running = 2 };

    VmId vm;
    WorkerId worker;
    std::uint64_t token = 0; ///< grows with every lease of this broker's journal
    ActionId action;         ///< none for an instance the agent reported by itself
    Phase phase = Phase::Reserved;
    WallTime since;
    InstanceKey instance; ///< set while Running

    bool operator==(const Lease&) const = default;
};

} // namespace ctys
