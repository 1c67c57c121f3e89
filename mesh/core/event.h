#pragma once

#include "mesh/core/action.h"
#include "mesh/core/vm.h"
#include "mesh/core/worker.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ctys {

/// What happened. Wire values never change; a number unknown to this version is kept as it is.
enum class EventKind : std::uint16_t {
    // vm/<vm>/<kind>/
    Starting = 1,
    Running = 2,
    Paused = 3,
    Frozen = 4,
    Suspended = 5,
    Stopping = 6,
    Stopped = 7,
    Gone = 8,
    StateUnknown = 9,
    Asked = 10,        ///< a rung of the ladder was used; text says which
    CutAnnounced = 11, ///< power is cut at a named time unless the guest ends before
    Reset = 12,
    Conflict = 13, ///< a second live instance of the VM
    ConflictEnded = 14,
    VmChanged = 15,     ///< facts about a VM or its instance changed, not its state
    TrayMoved = 16,     ///< of a drive; by its guest, or for a change of the medium
    MediumChanged = 17, ///< of a drive, whoever has changed it
    Snapshot = 18,      ///< one was saved or deleted
    Reverted = 19,      ///< it went back to a snapshot: what it carries goes with it
    // path/<vm>/<worker>/<kind>/
    PathSeen = 20,
    PathChanged = 21,
    PathVanished = 22,
    PathHealth = 23,
    PathProven = 24,
    // worker/<worker>/<kind>/
    WorkerRegistered = 30,
    WorkerAlive = 31,
    WorkerSuspect = 32,
    WorkerLost = 33,
    WorkerPaused = 34,
    WorkerGap = 35,      ///< the stream jumped; a full exchange follows
    WorkerRejected = 36, ///< an event that could not be decoded: kind, size, digest
    WorkerFenced = 37,
    WorkerForgotten = 38,
    WorkerPool = 39, ///< health of a pool changed
    WorkerDuplicate = 40,
    WorkerScanned = 41,
    WorkerFact = 42,     ///< what a worker says of itself changed
    WorkerHostStop = 43, ///< its machine goes down: its VMs are being stopped, or were
    // action/<id>/<kind>/
    ActionRequested = 50,
    ActionBegun = 51,
    ActionProgress = 52,
    ActionEnded = 53,
    ActionCancelling = 54,
    // audit/<principal>/<kind>/
    AuditRefused = 60,
    AuditDone = 61,
    BrokerStarted = 62,
};
/// "running", "cut-announced", "registered": the <kind> of the topic. "kind-N" for unknown N.
[[nodiscard]] std::string to_string(EventKind kind);
[[nodiscard]] std::optional<EventKind> event_kind_from_text(std::string_view text);
/// Of all kinds of this version.
[[nodiscard]] std::vector<std::string_view> event_kind_words();
enum class EventFamily : std::uint8_t { Vm, Path, Worker, Action, Audit, Unknown };
[[nodiscard]] EventFamily family(EventKind kind);
[[nodiscard]] EventKind kind_of(VmState state);

/// Facts that fold into the inventory. A PathSeen carries both records.
struct PathFacts {
    VmRecord vm;
    PathRecord path;

    bool operator==(const PathFacts&) const = default;
};
using EventPayload =
    std::variant<std::monostate, InstanceRecord, PathFacts, PathRecord, WorkerRecord, ActionRecord>;

/// Something that happened; immutable.
struct Event {
    EventKind kind = EventKind::StateUnknown;
    WallTime time; ///< when it happened, by the clock of whoever saw it
    WorkerId worker;
    std::string worker_name;
    VmId vm;
    std::string label;
    ActionId action;
    VmState old_state = VmState::Unknown;
    VmState new_state = VmState::Unknown;
    std::string by;       ///< EndedBy in words, a principal, or a rung; empty when it says nothing
    std::string evidence; ///< Evidence in words, or empty
    std::string text;     ///< one clause for people
    std::vector<std::pair<std::string, std::string>> data; ///< further facts, key and value
    EventPayload payload;

    bool operator==(const Event&) const = default;
};

/// The topic: family, subject, kind; always ends with a slash so that prefixes are exact.
[[nodiscard]] std::string topic_of(const Event& event);

/// An event as the journal keeps it.
struct RecordedEvent {
    Cursor cursor;
    WallTime recorded; ///< never goes back
    Event event;

    bool operator==(const RecordedEvent&) const = default;
};

} // namespace ctys
