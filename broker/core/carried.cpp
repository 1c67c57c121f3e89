#include "broker/core/carried.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::broker {

namespace {

using What = CarrierChange::What;

/// Nobody saw the end, and the worker was heard a moment ago: its silence will tell. That of a
/// paused one says nothing.
bool is_early(const Turn& turn, const Member& member, const CarrierChange& change) {
    return !change.seen && member.record.state != WorkerState::Lost &&
           member.record.state != WorkerState::Paused &&
           turn.now().instant - member.heard < Roster::suspect_after;
}

/// The worker was heard after it.
bool is_late(const Member& member, const CarrierChange& change) {
    return member.record.state != WorkerState::Lost &&
           member.record.last_seen > change.at + Roster::under_way;
}

/// It befell a boot before the present one: whatever ran then is known to have ended.
bool is_of_former_boot(const Member& member, const CarrierChange& change) {
    return change.at + Roster::under_way < member.record.booted;
}

} // namespace

void Carried::settle(Turn& turn) {
    // What is decided here may end or freeze what carries others.
    for (auto changes = folder_.take_changes(); !changes.empty();
         changes = folder_.take_changes()) {
        for (const auto& change : changes) {
            apply(turn, change);
        }
    }
}

void Carried::apply(Turn& turn, const CarrierChange& change) {
    for (const auto& id : workers_in(turn, change.vm, change.worker)) {
        auto& member = *roster_.find(id);
        switch (change.what) {
        case What::Ended:
        case What::Reset:
            if (is_early(turn, member, change) || is_of_former_boot(member, change)) break;
            if (is_late(member, change)) {
                doubts_.insert_or_assign(id, Doubt{change, turn.now().instant});
            } else {
                end(turn, member, change);
            }
            break;
        case What::Stands:
            stop(turn, member, change.text);
            break;
        case What::GoesOn:
            roster_.resume(turn, member, change.text);
            folder_.thaw(turn, id, change.text);
            break;
        }
    }
}

StackGraph
Carried::graph_of(Turn& turn, const Uuid& platform, const VmId& vm, const WorkerId& ran_on) const {
    std::vector<WorkerRecord> claimants;
    for (const auto& id : roster_.claims(platform)) {
        claimants.push_back(roster_.find(id)->record);
    }
    std::vector<StackVm> vms;
    const auto add = [&](const VmId& id) {
        const auto record = turn.inventory().vm_brief(id);
        if (!record) return;
        StackVm row{.vm = id, .copy_of = record->copy_of, .label = record->label, .grace = {}};
        std::size_t live = 0;
        for (const auto& instance : turn.inventory().instances(id)) {
            if (!is_live(instance.state)) continue;
            ++live;
            row.worker = instance.worker;
            row.state = instance.state;
        }
        row.conflict = live > 1;
        if (id == vm && live == 0) row.worker = ran_on;
        vms.push_back(std::move(row));
    };
    add(VmId{platform});
    for (const auto& copy : turn.index().copies_of(VmId{platform})) {
        add(copy);
    }
    return {std::move(vms), claimants};
}

std::pair<VmId, WorkerId> Carried::carrier_of(Turn& turn, const WorkerId& worker) const {
    const auto* member = roster_.find(worker);
    if (member == nullptr || !member->record.platform.identifies()) return {};
    const auto graph = graph_of(turn, member->record.platform, {}, {});
    const auto carrier = graph.carrier_of(worker);
    if (carrier.is_none()) return {};
    return {carrier, graph.find_vm(carrier)->worker};
}

std::vector<WorkerId>
Carried::workers_in(Turn& turn, const VmId& vm, const WorkerId& worker) const {
    const auto platform = turn.index().platform_of(vm);
    if (roster_.claims(platform).empty()) return {};
    const auto graph = graph_of(turn, platform, vm, worker);
    auto inside = graph.workers_in(vm);
    // Of machines that were the same VM one after the other only the last one is meant.
    std::set<BootId> boots;
    std::set<BootId> present;
    for (const auto& id : inside) {
        const auto& record = roster_.find(id)->record;
        boots.insert(record.boot);
        if (record.state != WorkerState::Lost) present.insert(record.boot);
    }
    const auto& meant = present.empty() ? boots : present;
    if (meant.size() != 1) return {};
    std::erase_if(
        inside, [&](const WorkerId& id) { return !meant.contains(roster_.find(id)->record.boot); });
    auto at = worker;
    for (std::size_t depth = 0; depth < StackGraph::deepest && !at.is_none(); ++depth) {
        const auto [outer, where] = carrier_of(turn, at);
        if (outer.is_none()) return inside;
        if (outer == vm) return {};
        at = where;
    }
    return at.is_none() ? inside : std::vector<WorkerId>{};
}

void Carried::end(Turn& turn, Member& member, const CarrierChange& change) {
    const auto id = member.record.id;
    doubts_.erase(id);
    roster_.lose(turn, member, change.text, {{"inner", "unverified"}});
    folder_.end_carried(turn, id, change);
    // What was about to start there never will: a start that was begun confirms its token, and the
    // machine is off.
    (void)leases_.fence(turn, id);
    dispatcher_.on_worker_gone(turn, id, change.text);
    dispatcher_.decide_held(turn);
}

void Carried::stop(Turn& turn, Member& member, const std::string& text) {
    const auto id = member.record.id;
    if (member.record.state == WorkerState::Paused || member.record.fenced) return;
    if (member.record.state == WorkerState::Lost) {
        const auto vms = turn.index().vms_of(id);
        const bool lives = std::any_of(vms.begin(), vms.end(), [&](const VmId& vm) {
            const auto rows = turn.inventory().instances(vm);
            return std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
                return row.worker == id && is_live(row.state);
            });
        });
        if (!lives) return;
    }
    roster_.pause(turn, member, text);
    folder_.freeze(turn, id, text);
}

void Carried::on_heard(Turn& turn, const Member& member) {
    if (member.record.state == WorkerState::Paused) return;
    folder_.thaw(turn, member.record.id, "its worker was heard");
    settle(turn);
}

void Carried::resolve_doubts(Turn& turn) {
    const auto doubts = doubts_;
    for (const auto& [id, doubt] : doubts) {
        auto* member = roster_.find(id);
        if (member != nullptr && member->record.state == WorkerState::Paused) {
            doubts_.at(id).since = turn.now().instant; // its silence says nothing
        } else if (member == nullptr || member->heard > doubt.since + Roster::under_way) {
            doubts_.erase(id);
        } else if (turn.now().instant - member->heard >= Roster::suspect_after) {
            end(turn, *member, doubt.change);
        }
    }
}

void Carried::on_silence(Turn& turn, Member& member) {
    const auto carrier = carrier_of(turn, member.record.id).first;
    if (carrier.is_none()) return;
    std::optional<InstanceRecord> last;
    for (auto& row : turn.inventory().instances(carrier)) {
        if (stands(row.state)) return stop(turn, member, standing(row));
        if (is_live(row.state)) return;
        if (row.ended && (!last || last->ended->at < row.ended->at)) last = std::move(row);
    }
    if (last && is_suspended_to_disk(*last)) return stop(turn, member, standing(*last));
    if (last && last->ended->at + Roster::under_way >= member.record.last_seen)
        end(turn, member, change_of(*last, /*seen=*/true));
}

void Carried::on_tick(Turn& turn) {
    resolve_doubts(turn);
    std::vector<WorkerId> silent;
    for (const auto& [id, member] : roster_.members()) {
        const auto silence = turn.now().instant - member.heard;
        const auto state = member.record.state;
        const bool is_news = (state == WorkerState::Alive && silence >= Roster::suspect_after) ||
                             (state == WorkerState::Suspect && silence >= Roster::lost_after);
        if (is_news && member.record.platform.identifies()) silent.push_back(id);
    }
    for (const auto& id : silent) {
        on_silence(turn, *roster_.find(id));
    }
    settle(turn);
}

} // namespace ctys::broker
