// What the inventory makes of VMs that carry workers, and of what those run (Carried decides when).

#include "broker/core/fold.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

using What = CarrierChange::What;

std::string text_of(const InstanceRecord& carrier) {
    const auto ending = carrier.ended.value_or(Ending{});
    auto why = ending.detail;
    if (why.empty() && ending.signal != 0) why = fmt::format("signal {}", ending.signal);
    return fmt::format("its carrier {} ended (by {}{}{})",
                       carrier.label,
                       to_string(ending.by),
                       why.empty() ? "" : ": ",
                       why);
}

} // namespace

bool stands(VmState state) {
    return state == VmState::Paused || state == VmState::Suspended || state == VmState::Frozen;
}

std::string standing(const InstanceRecord& carrier) {
    if (is_suspended_to_disk(carrier))
        return fmt::format("its carrier {} is suspended to disk", carrier.label);
    return fmt::format("its carrier {} is {}", carrier.label, to_string(carrier.state));
}

CarrierChange change_of(const InstanceRecord& ended, bool seen) {
    return {.what = What::Ended,
            .vm = ended.vm,
            .worker = ended.worker,
            .at = ended.ended ? ended.ended->at : ended.since,
            .seen = seen,
            .text = text_of(ended)};
}

bool is_concluded(const InstanceRecord& instance) {
    return instance.unverified || (instance.ended && instance.ended->by == EndedBy::Unknown);
}

bool was_told(const InstanceRecord& instance, const WorkerId& worker) {
    if (!instance.ended || instance.unverified) return false;
    return instance.ended->by != EndedBy::Unknown || instance.worker != worker;
}

bool Folder::is_carrier(Turn& turn, const VmId& vm) const {
    return !roster_.claims(turn.index().platform_of(vm)).empty();
}

void Folder::note_end(Turn& turn, const InstanceRecord& ended, bool seen) {
    if (!is_carrier(turn, ended.vm)) return;
    for (const auto& row : turn.inventory().instances(ended.vm)) {
        if (is_live(row.state)) return;
    }
    auto change = change_of(ended, seen);
    if (is_suspended_to_disk(ended)) {
        // What it carries is on disk with it, and goes on when it does.
        change.what = What::Stands;
        change.text = standing(ended);
    }
    changes_.push_back(std::move(change));
}

bool Folder::was_suspended(Turn& turn, const VmId& vm) {
    const auto rows = turn.inventory().instances(vm);
    return std::any_of(
        rows.begin(), rows.end(), [](const auto& row) { return is_suspended_to_disk(row); });
}

// The first that is told of a process of a carrier that was suspended to disk.
void Folder::note_start(Turn& turn, const InstanceRecord& now) {
    if (now.reason == reason::resuming || !was_suspended(turn, now.vm) || !is_carrier(turn, now.vm))
        return;
    changes_.push_back(
        {.what = What::Reset,
         .vm = now.vm,
         .worker = now.worker,
         .at = now.since,
         .text = fmt::format("its carrier {} was started without its saved state", now.label)});
}

void Folder::note_state(Turn& turn, const InstanceRecord* known, const InstanceRecord& now) {
    const bool is_resumed = known != nullptr && known->state == VmState::Starting &&
                            now.state == VmState::Running && was_suspended(turn, now.vm);
    const bool stood = known != nullptr && (stands(known->state) || is_resumed);
    if (stood && now.state == VmState::Stopping) return; // a moment before its end
    // Its process stands, and its guest has ended: it panicked, or a power-off has only stopped it.
    const bool is_over = now.state == VmState::Paused &&
                         (now.reason == "panicked" || now.reason == "shutdown") &&
                         (known == nullptr || known->reason != now.reason);
    if ((stood == stands(now.state) && !is_over) || !is_carrier(turn, now.vm)) return;
    CarrierChange change{.what = stands(now.state) ? What::Stands : What::GoesOn,
                         .vm = now.vm,
                         .worker = now.worker,
                         .at = now.since,
                         .text = {}};
    if (is_over) {
        change.what = What::Reset;
        change.text = fmt::format("its carrier {} {}",
                                  now.label,
                                  now.reason == "panicked" ? "panicked" : "has powered off");
    } else if (stands(now.state)) {
        change.text = standing(now);
    } else {
        change.text = fmt::format("its carrier {} runs again", now.label);
    }
    changes_.push_back(std::move(change));
}

void Folder::note_reset(Turn& turn, const Member& member, const Event& event) {
    if (!is_carrier(turn, event.vm)) return;
    for (const auto& row : turn.inventory().instances(event.vm)) {
        if (row.worker != member.record.id || !is_live(row.state)) continue;
        changes_.push_back(
            {.what = What::Reset,
             .vm = event.vm,
             .worker = row.worker,
             .at = event.time,
             .text = fmt::format("its carrier {} was {}",
                                 row.label,
                                 event.kind == EventKind::Reverted ? "taken back to a snapshot"
                                                                   : "reset")});
        return;
    }
}

void Folder::end_carried(Turn& turn, const WorkerId& worker, const CarrierChange& why) {
    end_all(
        turn, worker, [](const InstanceRecord&) { return true; }, EndedBy::Host, why.text, &why);
}

void Folder::set_state(Turn& turn, InstanceRecord row, VmState state, const std::string& text) {
    const auto before = row;
    row.state = state;
    row.since = turn.now().wall;
    row.frozen_from = state == VmState::Frozen ? before.state : VmState::Unknown;
    Event event{.kind = kind_of(state)};
    event.worker = row.worker;
    if (const auto* member = roster_.find(row.worker)) event.worker_name = member->record.name;
    event.vm = row.vm;
    event.label = row.label;
    event.old_state = before.state;
    event.new_state = state;
    event.by = to_string(EndedBy::Host);
    event.text = text;
    event.payload = row;
    turn.put(row);
    turn.record(std::move(event));
    note_state(turn, &before, row);
}

void Folder::freeze(Turn& turn, const WorkerId& worker, const std::string& text) {
    for (const auto& vm : turn.index().vms_of(worker)) {
        for (auto& row : turn.inventory().instances(vm)) {
            if (row.worker != worker || !is_live(row.state) || row.state == VmState::Frozen)
                continue;
            set_state(turn, std::move(row), VmState::Frozen, text);
        }
    }
}

void Folder::thaw(Turn& turn, const WorkerId& worker, const std::string& text) {
    for (const auto& vm : turn.index().vms_of(worker)) {
        for (auto& row : turn.inventory().instances(vm)) {
            if (row.worker != worker || row.state != VmState::Frozen) continue;
            const auto before = row.frozen_from;
            set_state(
                turn, std::move(row), before == VmState::Unknown ? VmState::Running : before, text);
        }
    }
}

void Folder::verify(Turn& turn, const Member& member, std::vector<InstanceRecord> concluded) {
    std::vector<std::string> labels;
    for (auto& row : concluded) {
        // A machine that booted anew needs no word of it.
        if (row.reason.starts_with("carrier-")) labels.push_back(row.label);
        row.unverified = false;
        turn.put(std::move(row));
    }
    if (labels.empty()) return;
    Event event{.kind = EventKind::WorkerFact};
    event.worker = member.record.id;
    event.worker_name = member.record.name;
    event.text = fmt::format("confirms that {} ended with its carrier", fmt::join(labels, ", "));
    event.data = {{"inner", "verified"}};
    turn.record(std::move(event));
}

} // namespace ctys::broker
