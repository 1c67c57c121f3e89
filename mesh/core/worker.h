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
