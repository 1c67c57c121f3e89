#include "mesh/core/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys {

namespace {

struct KindRow {
    EventKind kind;
    std::string_view text;
    EventFamily family;
};

constexpr std::array kinds = {
    KindRow{EventKind::Starting, "starting", EventFamily::Vm},
    KindRow{EventKind::Running, "running", EventFamily::Vm},
    KindRow{EventKind::Paused, "paused", EventFamily::Vm},
    KindRow{EventKind::Frozen, "frozen", EventFamily::Vm},
    KindRow{EventKind::Suspended, "suspended", EventFamily::Vm},
    KindRow{EventKind::Stopping, "stopping", EventFamily::Vm},
    KindRow{EventKind::Stopped, "stopped", EventFamily::Vm},
    KindRow{EventKind::Gone, "gone", EventFamily::Vm},
    KindRow{EventKind::StateUnknown, "state-unknown", EventFamily::Vm},
    KindRow{EventKind::Asked, "asked", EventFamily::Vm},
    KindRow{EventKind::CutAnnounced, "cut-announced", EventFamily::Vm},
    KindRow{EventKind::Reset, "reset", EventFamily::Vm},
    KindRow{EventKind::Conflict, "conflict", EventFamily::Vm},
    KindRow{EventKind::ConflictEnded, "conflict-ended", EventFamily::Vm},
    KindRow{EventKind::VmChanged, "vm-changed", EventFamily::Vm},
    KindRow{EventKind::TrayMoved, "tray-moved", EventFamily::Vm},
    KindRow{EventKind::MediumChanged, "medium-changed", EventFamily::Vm},
    KindRow{EventKind::Snapshot, "snapshot", EventFamily::Vm},
    KindRow{EventKind::Reverted, "reverted", EventFamily::Vm},
    KindRow{EventKind::PathSeen, "seen", EventFamily::Path},
    KindRow{EventKind::PathChanged, "changed", EventFamily::Path},
    KindRow{EventKind::PathVanished, "vanished", EventFamily::Path},
    KindRow{EventKind::PathHealth, "health", EventFamily::Path},
    KindRow{EventKind::PathProven, "proven", EventFamily::Path},
    KindRow{EventKind::WorkerRegistered, "registered", EventFamily::Worker},
    KindRow{EventKind::WorkerAlive, "alive", EventFamily::Worker},
    KindRow{EventKind::WorkerSuspect, "suspect", EventFamily::Worker},
    KindRow{EventKind::WorkerLost, "lost", EventFamily::Worker},
    KindRow{EventKind::WorkerPaused, "worker-paused", EventFamily::Worker},
    KindRow{EventKind::WorkerGap, "gap", EventFamily::Worker},
    KindRow{EventKind::WorkerRejected, "rejected", EventFamily::Worker},
    KindRow{EventKind::WorkerFenced, "fenced", EventFamily::Worker},
    KindRow{EventKind::WorkerForgotten, "forgotten", EventFamily::Worker},
    KindRow{EventKind::WorkerPool, "pool", EventFamily::Worker},
    KindRow{EventKind::WorkerDuplicate, "duplicate", EventFamily::Worker},
    KindRow{EventKind::WorkerScanned, "scanned", EventFamily::Worker},
    KindRow{EventKind::WorkerFact, "fact", EventFamily::Worker},
    KindRow{EventKind::WorkerHostStop, "host-stop", EventFamily::Worker},
    KindRow{EventKind::ActionRequested, "requested", EventFamily::Action},
    KindRow{EventKind::ActionBegun, "begun", EventFamily::Action},
    KindRow{EventKind::ActionProgress, "progress", EventFamily::Action},
    KindRow{EventKind::ActionEnded, "ended", EventFamily::Action},
    KindRow{EventKind::ActionCancelling, "cancelling", EventFamily::Action},
    KindRow{EventKind::AuditRefused, "refused", EventFamily::Audit},
    KindRow{EventKind::AuditDone, "done", EventFamily::Audit},
    KindRow{EventKind::BrokerStarted, "broker-started", EventFamily::Audit},
};

const KindRow* find_kind(EventKind kind) {
    const auto* found = std::find_if(
        kinds.begin(), kinds.end(), [&](const KindRow& row) { return row.kind == kind; });
    return found == kinds.end() ? nullptr : found;
}

} // namespace

std::string to_string(EventKind kind) {
    const auto* row = find_kind(kind);
    return row != nullptr ? std::string{row->text}
                          : fmt::format("kind-{}", static_cast<std::uint16_t>(kind));
}

std::optional<EventKind> event_kind_from_text(std::string_view text) {
    for (const auto& row : kinds) {
        if (row.text == text) return row.kind;
    }
    return std::nullopt;
}

std::vector<std::string_view> event_kind_words() {
    std::vector<std::string_view> words;
    for (const auto& row : kinds)
        words.push_back(row.text);
    return words;
}

EventFamily family(EventKind kind) {
    const auto* row = find_kind(kind);
    return row != nullptr ? row->family : EventFamily::Unknown;
}

EventKind kind_of(VmState state) {
    switch (state) {
    case VmState::Unknown:
        return EventKind::StateUnknown;
    case VmState::Stopped:
        return EventKind::Stopped;
    case VmState::Starting:
        return EventKind::Starting;
    case VmState::Running:
        return EventKind::Running;
    case VmState::Paused:
        return EventKind::Paused;
    case VmState::Frozen:
        return EventKind::Frozen;
    case VmState::Suspended:
        return EventKind::Suspended;
    case VmState::Stopping:
        return EventKind::Stopping;
    case VmState::Gone:
        return EventKind::Gone;
    }
    return EventKind::StateUnknown;
}

std::string topic_of(const Event& event) {
    const auto kind = to_string(event.kind);
    switch (family(event.kind)) {
    case EventFamily::Vm:
        return fmt::format("vm/{}/{}/", event.vm, kind);
    case EventFamily::Path:
        return fmt::format("path/{}/{}/{}/", event.vm, event.worker, kind);
    case EventFamily::Worker:
        return fmt::format("worker/{}/{}/", event.worker, kind);
    case EventFamily::Action:
        return fmt::format("action/{}/{}/", event.action, kind);
    case EventFamily::Audit:
        return fmt::format("audit/{}/{}/", event.by, kind);
    case EventFamily::Unknown:
        break;
    }
    return fmt::format("worker/{}/{}/", event.worker, kind);
}

} // namespace ctys
