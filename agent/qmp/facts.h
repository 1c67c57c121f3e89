#pragma once

#include "agent/qmp/session.h"
#include "mesh/core/vm.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qmp {

/// What a run state of QEMU means for people. The reason is empty where the state says all.
struct StateReason {
    VmState state = VmState::Unknown;
    std::string reason;

    bool operator==(const StateReason&) const = default;
};

/// Of RunState in QEMU's qapi/run-state.json, as query-status says it. An unknown word gives
/// Unknown with that word as the reason.
[[nodiscard]] StateReason state_of_status(std::string_view status);

/// The state after an event; nothing where the event says nothing about it. POWERDOWN is such a
/// one: that the button was pressed does not mean that the guest obeys.
[[nodiscard]] std::optional<StateReason> state_after(const Event& event, const StateReason& before);

/// An internal snapshot of an image.
struct ImageSnapshot {
    std::string name;
    WallTime at;
    std::uint64_t state_bytes = 0; ///< 0: without memory

    bool operator==(const ImageSnapshot&) const = default;
};

struct BlockDevice {
    std::string device; ///< "virtio0", or empty
    std::string qdev;   ///< "/machine/peripheral/disk0/virtio-backend", or empty
    std::string file;   ///< as typed on the command line: relative paths stay relative
    std::string driver; ///< "qcow2", "raw"
    bool read_only = false;
    bool removable = false;
    std::string io_status;         ///< "ok", "nospace", "failed", or empty
    std::optional<bool> tray_open; ///< nothing where the device has no tray
    bool locked = false;           ///< its guest keeps the medium in
    std::string node;              ///< of its topmost node, also one that QEMU named: "#block185"
    std::vector<ImageSnapshot> snapshots;

    bool operator==(const BlockDevice&) const = default;
};

struct Chardev {
    std::string label;
    std::string target; ///< "disconnected:unix:/run/x.sock,server=on"
    bool connected = false;

    bool operator==(const Chardev&) const = default;
};

/// What a monitor says about its VM right after a connection. A part that was not asked, or was
/// declined, keeps its empty value.
struct QmpFacts {
    std::string status; ///< QEMU's own word
    bool running = false;
    StateReason state;
    std::string name;
    std::optional<Uuid> uuid; ///< nothing without -uuid (QEMU answers zeros then)
    std::string version;      ///< "7.2.9"
    std::string package;
    std::string accelerator; ///< "kvm" where it is enabled; else "tcg", as no other runs on Linux
    std::vector<BlockDevice> blocks;
    std::uint32_t vcpus = 0;
    std::vector<Chardev> chardevs;
    std::string vnc; ///< as -vnc names it: "127.0.0.1:7", "unix:/path"; empty without

    bool operator==(const QmpFacts&) const = default;
};

/// It is an overlay that -snapshot has put over the disk: a file that is gone with its QEMU.
[[nodiscard]] bool is_temporary(const BlockDevice& device);

/// A job of QEMU, as query-jobs says.
struct Job {
    std::string id;
    std::string status; ///< "running", "concluded", ...
    std::string error;  ///< empty: none

    bool operator==(const Job&) const = default;
};
[[nodiscard]] std::vector<Job> jobs_of(const Value& answer);

/// The commands to ask after every connect, query-status first.
[[nodiscard]] std::span<const std::string_view> fact_commands();

/// Takes the answer to one of fact_commands() in. Rows beyond 256 are left out.
void absorb(QmpFacts& facts, std::string_view command, const Value& answer);

} // namespace ctys::qmp
