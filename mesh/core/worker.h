#pragma once

#include "mesh/core/id.h"
#include "mesh/core/time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctys {

enum class WorkerState : std::uint16_t {
    Alive = 1,
    Suspect = 2, ///< three pings missed
    Lost = 3,    ///< ten pings missed
    Paused = 4,  ///< the VM that carries it is paused
};
[[nodiscard]] std::string_view to_string(WorkerState state);

enum class PoolHealth : std::uint16_t {
    Good = 1,
    Stalled = 2,
    Missing = 3,
    ReadOnly = 4,
    Copied = 5
};
[[nodiscard]] std::string_view to_string(PoolHealth health);

/// A directory tree that holds VM directories, as one worker sees it.
struct PoolReport {
    std::string root;
    PoolId id; ///< none where no marker could be written
    PoolHealth health = PoolHealth::Good;
    std::string reason;
    std::string filesystem;
    bool shared = false;  ///< network file system: polled, and starts need the broker
    bool trusted = false; ///< `ctys pool trust`: identity accepted without a marker
    std::uint32_t vms = 0;

    bool operator==(const PoolReport&) const = default;
};

struct Accelerator {
    std::string name; ///< "kvm", "tcg"
    bool usable = false;
    std::string why; ///< reason when it is not, or a remark

    bool operator==(const Accelerator&) const = default;
};

/// Whether a probe guest has shown that an emulator runs guests by KVM. One per machine is enough
/// to show that KVM does, so that most are never tried.
enum class KvmTrial : std::uint16_t { None = 0, Up = 1, Failed = 2 };
/// "came up", "failed", "not tried"
[[nodiscard]] std::string_view to_string(KvmTrial trial);

/// One qemu-system-* of a worker, as it describes itself over QMP.
struct Emulator {
    std::string path;          ///< absolute, the first under which it was found
    std::string arch;          ///< of its guests, in QEMU's words: "x86_64"; empty: not known
    std::string version;       ///< "7.2.22"
    std::string package;       ///< "Debian 1:7.2+dfsg-7", may be empty
    std::string accelerators;  ///< compiled in, names between blanks: "kvm tcg"
    std::string machines;      ///< types, between blanks; ends with "..." where they were too many
    std::string cpus;          ///< models, the same way
    std::uint32_t options = 0; ///< how many command line options it describes
    std::string problem;       ///< why it cannot be used, in a sentence; empty: it can
    KvmTrial kvm_trial = KvmTrial::None;

    bool operator==(const Emulator&) const = default;
};
[[nodiscard]] bool has_accelerator(const Emulator& emulator, std::string_view name);

/// Something beside QEMU that a plugin of the original needs on its machine.
struct Requisite {
    std::string name; ///< "vde_switch", "QEMUSOCK"
    bool met = false;
    std::string fact; ///< where it is, or what is wrong

    bool operator==(const Requisite&) const = default;
};

/// What a machine has to run VMs with, found out by its agent's survey.
struct Equipment {
    std::string cpu_model; ///< "AMD EPYC 7B13"
    std::string cpu_flags; ///< as /proc/cpuinfo has them, between blanks
    std::vector<Emulator> emulators;
    std::vector<Requisite> requisites;

    bool operator==(const Equipment&) const = default;
};

/// How far the broker has applied a worker's stream; changes in the transaction that applies it.
struct StreamMark {
    StreamId stream;
    std::uint64_t sequence = 0; ///< last applied
    std::uint64_t hash = 0;     ///< running hash over the stream up to there

    bool operator==(const StreamMark&) const = default;
};

/// What a worker says of itself, and what the broker adds to it.
struct WorkerRecord {
    WorkerId id;
    std::string name;
    BootId boot;
    NonceId nonce; ///< of the agent process that speaks for it
    std::string machine_id;
    Uuid platform; ///< DMI product UUID or /etc/ctys.d/vm.conf; zero when unknown or junk
    std::string
        platform_conflict; ///< DMI and vm.conf differ: both, for people; makes no stack edge
    std::string version;   ///< of the agent
    std::string host;
    std::string arch;
    std::uint32_t cpus = 0;
    std::uint64_t memory_mb = 0;
    std::vector<Accelerator> accelerators;
    std::vector<std::string> binaries;    ///< usable qemu-system-*, absolute
    Equipment equipment;                  ///< empty until the first survey has ended
    std::vector<std::string> blind_spots; ///< what it may not see, in sentences
    std::vector<PoolReport> pools;
    StreamMark mark;
    WorkerState state = WorkerState::Alive;
    WallTime last_seen;
    WallTime state_since;
    WallTime booted; ///< when its present boot first called, by the broker's clock; zero: unknown
    bool fenced = false;     ///< an administrator declared its VMs dead
    ActionId draining;       ///< of a plan that ends what runs there: nothing is started there
    bool host_stops = false; ///< its VMs are being stopped with their machine: the agent says so
    bool ended = false;      ///< its agent has ended in order; what runs there goes on
    std::string rival;       ///< a second agent of this name or identity, which is refused

    bool operator==(const WorkerRecord&) const = default;
};

/// Its state for people: "ended" where its agent has said farewell.
[[nodiscard]] std::string_view state_word(const WorkerRecord& worker);

} // namespace ctys
