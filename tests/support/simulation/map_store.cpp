#include "tests/support/simulation/map_store.h"

#include "schema/codec.h"

#include <algorithm>

namespace ctys::sim {

namespace {

template <typename... Fs>
struct Overloaded : Fs... {
    using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

bool contains(const std::vector<std::string>& values, std::string_view value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

/// What a codec makes of a record is what a restarted broker will see.
template <typename T>
T through(const T& record, Result<T> (*decode)(std::span<const std::byte>)) {
    const auto bytes = schema::encode(record);
    return decode(bytes).value();
}

} // namespace

void MapStore::put(const broker::Record& record) {
    std::visit(
        Overloaded{[&](const VmRecord& vm) { vms_[vm.id] = std::make_shared<const VmRecord>(vm); },
                   [&](const PathRecord& path) {
                       paths_[{path.vm, path.worker}] = path;
                   },
                   [&](const InstanceRecord& row) {
                       instances_[{row.vm, row.key}] = row;
                   },
                   [&](const WorkerRecord& worker) { workers_[worker.id] = worker; },
                   [&](const ActionRecord& action) { actions_[action.action.id] = action; },
                   [&](const Lease& lease) { leases_[lease.vm] = lease; },
                   [&](const PlanRecord& plan) { plans_[plan.action] = plan; },
                   [&](const PlanStepRecord& step) {
                       plan_steps_[{step.plan, step.index}] = step;
                   }},
        record);
}

void MapStore::apply(const broker::Write& write) {
    std::visit(Overloaded{[&](const broker::Put& each) { put(*each.record); },
                          [&](const broker::ErasePath& each) {
                              paths_.erase({each.vm, each.worker});
                          },
                          [&](const broker::EraseInstance& each) {
                              instances_.erase({each.vm, each.key});
                          },
                          [&](const broker::EraseVm& each) { vms_.erase(each.vm); },
                          [&](const broker::EraseLease& each) { leases_.erase(each.vm); },
                          [&](const broker::EraseWorker& each) { workers_.erase(each.worker); },
                          [&](const broker::EraseAction& each) { actions_.erase(each.action); },
                          [&](const broker::ErasePlan& each) {
                              plans_.erase(each.plan);
                              std::erase_if(plan_steps_, [&](const auto& row) {
                                  return row.first.first == each.plan;
                              });
                          },
                          [&](const broker::Append& each) {
                              newest_ = each.sequence;
                              last_recorded_ = each.recorded;
                              journal_[each.sequence] = {each.sequence, each.recorded, each.bytes};
                          },
                          [&](const broker::PutFence& each) { last_token_ = each.token; },
                          [&](const broker::PutTrusted&) { doubtful_ = false; }},
               write);
}

bool MapStore::commit(const std::vector<broker::Write>& writes) {
    auto next = newest_ + 1;
    for (const auto& write : writes) {
        const auto* append = std::get_if<broker::Append>(&write);
        if (append != nullptr && append->sequence != next++) return false;
    }
    for (const auto& write : writes) {
        apply(write);
    }
    return true;
}

void MapStore::trim(std::uint64_t before) {
    // The newest event stays: an empty journal could not tell where it ended.
    oldest_ = std::max(oldest_, std::min(before, newest_));
}

broker::Loaded MapStore::load() const {
    broker::Loaded loaded{.head = {epoch_, newest_},
                          .last_recorded = last_recorded_,
                          .last_token = last_token_,
                          .doubtful = doubtful_,
                          .leases = {},
                          .actions = {},
                          .workers = {}};
    for (const auto& [id, lease] : leases_) {
        loaded.leases.push_back(through(lease, &schema::decode_lease));
    }
    for (const auto& [id, action] : actions_) {
        loaded.actions.push_back(through(action, &schema::decode_action));
    }
    for (const auto& [id, worker] : workers_) {
        loaded.workers.push_back(through(worker, &schema::decode_worker));
    }
    for (const auto& [id, plan] : plans_) {
        loaded.plans.push_back(through(plan, &schema::decode_plan));
    }
    for (const auto& [id, step] : plan_steps_) {
        loaded.plan_steps.push_back(through(step, &schema::decode_plan_step));
    }
    return loaded;
}

std::vector<InstanceRecord> MapStore::all_instances() const {
    std::vector<InstanceRecord> rows;
    for (const auto& [key, row] : instances_) {
        rows.push_back(row);
    }
    return rows;
}

broker::VmRef MapStore::vm(const VmId& id) const {
    const auto found = vms_.find(id);
    return found == vms_.end() ? nullptr : found->second;
}

std::vector<PathRecord> MapStore::paths(const VmId& vm) const {
    std::vector<PathRecord> rows;
    for (auto it = paths_.lower_bound({vm, {}}); it != paths_.end() && it->first.first == vm;
         ++it) {
        rows.push_back(it->second);
    }
    return rows;
}

std::vector<InstanceRecord> MapStore::instances(const VmId& vm) const {
    std::vector<InstanceRecord> rows;
    for (auto it = instances_.lower_bound({vm, {}});
         it != instances_.end() && it->first.first == vm;
         ++it) {
        rows.push_back(it->second);
    }
    return rows;
}

void MapStore::each_vm(const VmId& after, const std::function<bool(const VmRecord&)>& each) const {
    for (auto it = vms_.upper_bound(after); it != vms_.end() && each(*it->second); ++it) {
    }
}

std::vector<VmId> MapStore::by_label(std::string_view label) const {
    std::vector<VmId> ids;
    for (const auto& [id, vm] : vms_) {
        if (vm->label == label) ids.push_back(id);
    }
    return ids;
}

std::vector<VmId> MapStore::by_mac(std::string_view mac) const {
    std::vector<VmId> ids;
    for (const auto& [id, vm] : vms_) {
        if (contains(vm->macs, mac)) ids.push_back(id);
    }
    return ids;
}

std::vector<VmId> MapStore::by_ip(std::string_view ip) const {
    std::vector<VmId> ids;
    for (const auto& [id, vm] : vms_) {
        if (contains(vm->ips, ip)) ids.push_back(id);
    }
    return ids;
}

std::pair<std::uint64_t, std::uint64_t> MapStore::range() const {
    const auto oldest = journal_.lower_bound(oldest_);
    if (oldest == journal_.end()) return {1, 0};
    return {oldest->first, newest_};
}

void MapStore::read(std::uint64_t after,
                    const std::function<bool(const broker::JournalItem&)>& each) const {
    read_ever_recorded(std::max(after, oldest_ - 1), each);
}

void MapStore::read_ever_recorded(
    std::uint64_t after, const std::function<bool(const broker::JournalItem&)>& each) const {
    for (auto it = journal_.upper_bound(after); it != journal_.end() && each(it->second); ++it) {
    }
}

std::uint64_t MapStore::sequence_at(WallTime time) const {
    for (auto it = journal_.lower_bound(oldest_); it != journal_.end(); ++it) {
        if (it->second.recorded >= time) return it->first;
    }
    return newest_ + 1;
}

} // namespace ctys::sim
