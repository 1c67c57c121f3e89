#include "mesh/core/stack.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace ctys {

namespace {

/// What firmware shows the guest as its own UUID.
Uuid platform_of(const StackVm& vm) {
    return vm.copy_of.is_none() ? vm.vm.uuid : vm.copy_of.uuid;
}

std::string names_of(const std::vector<const WorkerRecord*>& workers) {
    constexpr std::size_t most = 8; // of a sentence that people read
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < std::min(most, workers.size()); ++i) {
        names.push_back(workers[i]->name);
    }
    if (workers.size() <= most) return fmt::format("{}", fmt::join(names, ", "));
    return fmt::format("{} and {} more", fmt::join(names, ", "), workers.size() - most);
}

template <typename Key, typename Value>
const std::vector<Value>& list_of(const std::map<Key, std::vector<Value>>& lists, const Key& key) {
    static const std::vector<Value> none;
    const auto found = lists.find(key);
    return found == lists.end() ? none : found->second;
}

} // namespace

std::string_view to_string(StackProblem::Kind kind) {
    switch (kind) {
    case StackProblem::Kind::Platform:
        return "platform";
    case StackProblem::Kind::Claims:
        return "claims";
    case StackProblem::Kind::Clone:
        return "clone";
    case StackProblem::Kind::Conflict:
        return "conflict";
    case StackProblem::Kind::Loop:
        return "loop";
    }
    return "unknown";
}

StackGraph::StackGraph(std::vector<StackVm> vms, const std::vector<WorkerRecord>& workers) {
    for (const auto& worker : workers) {
        workers_.emplace(worker.id, worker);
    }
    for (auto& vm : vms) {
        const auto id = vm.vm;
        vms_.emplace(id, std::move(vm));
    }
    choose_edges();
    break_loops();
    sort_children();
}

void StackGraph::choose_edges() {
    std::map<Uuid, std::vector<const WorkerRecord*>> claims;
    for (const auto& [id, worker] : workers_) {
        if (!worker.platform_conflict.empty()) {
            add_problem(StackProblem::Kind::Platform,
                        {&worker},
                        fmt::format("{}: {}", worker.name, worker.platform_conflict));
        } else if (worker.platform.identifies()) {
            claims[worker.platform].push_back(&worker);
        }
    }
    std::map<Uuid, std::vector<const StackVm*>> candidates;
    for (const auto& [id, vm] : vms_) {
        const auto platform = platform_of(vm);
        if (claims.contains(platform)) candidates[platform].push_back(&vm);
    }
    // Most workers are hardware: several of those with one UUID are no matter of stacks.
    for (auto& [platform, vms] : candidates) {
        const auto& workers = claims.at(platform);
        const auto vm = choose(workers, std::move(vms));
        if (vm.is_none()) continue;
        for (const auto* worker : workers) {
            carrier_.emplace(worker->id, vm);
        }
    }
}

VmId StackGraph::choose(const std::vector<const WorkerRecord*>& claims,
                        std::vector<const StackVm*> candidates) {
    std::set<BootId> machines;
    for (const auto* worker : claims) {
        if (worker->state != WorkerState::Lost) machines.insert(worker->boot);
    }
    if (machines.size() > 1) {
        add_problem(StackProblem::Kind::Claims,
                    claims,
                    fmt::format("{} are different machines with the platform UUID of {}",
                                names_of(claims),
                                candidates.front()->label));
        return {};
    }
    if (candidates.size() > 1) {
        const auto all = candidates.size();
        std::erase_if(candidates, [](const StackVm* vm) { return vm->worker.is_none(); });
        if (candidates.size() != 1) {
            add_problem(StackProblem::Kind::Clone,
                        claims,
                        fmt::format("{}: {} VMs have its platform UUID, {} of them run",
                                    names_of(claims),
                                    all,
                                    candidates.size()));
            return {};
        }
    }
    const auto& vm = *candidates.front();
    if (vm.conflict) {
        add_problem(
            StackProblem::Kind::Conflict,
            claims,
            fmt::format("{}: its carrier {} runs more than once", names_of(claims), vm.label));
        return {};
    }
    return vm.vm;
}

void StackGraph::break_loops() {
    // Every walk outwards ends at hardware or comes back to where it has been.
    std::vector<const WorkerRecord*> too_deep;
    for (const auto& [start, unused] : workers_) {
        std::vector<WorkerId> way;
        std::set<WorkerId> seen;
        auto at = start;
        while (!depth_.contains(at) && seen.insert(at).second) {
            way.push_back(at);
            const auto edge = carrier_.find(at);
            if (edge == carrier_.end()) break;
            const auto* vm = find_vm(edge->second);
            if (vm == nullptr || !workers_.contains(vm->worker)) break;
            at = vm->worker;
        }
        const auto entry = std::find(way.begin(), way.end(), at);
        const bool is_loop = entry != way.end() && carrier_.contains(way.back()) &&
                             find_vm(carrier_.at(way.back()))->worker == at;
        if (is_loop) {
            std::vector<const WorkerRecord*> around;
            for (auto each = entry; each != way.end(); ++each) {
                around.push_back(&workers_.at(*each));
                carrier_.erase(*each);
            }
            add_problem(StackProblem::Kind::Loop,
                        around,
                        fmt::format("{} would carry {}",
                                    names_of(around),
                                    around.size() == 1 ? "itself" : "each other"));
        }
        measure(way, too_deep);
    }
    if (too_deep.empty()) return;
    add_problem(
        StackProblem::Kind::Loop,
        too_deep,
        fmt::format("{} would stand more than {} levels deep", names_of(too_deep), deepest));
}

void StackGraph::measure(const std::vector<WorkerId>& way,
                         std::vector<const WorkerRecord*>& too_deep) {
    for (auto it = way.rbegin(); it != way.rend(); ++it) {
        const auto edge = carrier_.find(*it);
        const auto* vm = edge == carrier_.end() ? nullptr : find_vm(edge->second);
        const auto outer = vm == nullptr ? depth_.end() : depth_.find(vm->worker);
        depth_[*it] = outer == depth_.end() ? 0 : outer->second + 1;
        if (depth_[*it] <= deepest) continue;
        // It is shown as hardware is, and so is the next one that would be too deep below it.
        too_deep.push_back(&workers_.at(*it));
        carrier_.erase(edge);
        depth_[*it] = 0;
    }
}

void StackGraph::sort_children() {
    for (const auto& [worker, vm] : carrier_) {
        inside_[vm].push_back(worker);
    }
    for (const auto& [id, vm] : vms_) {
        if (vm.worker.is_none()) {
            resting_.push_back(id);
        } else {
            on_[vm.worker].push_back(id);
        }
    }
    for (const auto& [id, worker] : workers_) {
        if (!carrier_.contains(id)) outermost_.push_back(id);
    }
    const auto by_label = [this](const VmId& a, const VmId& b) {
        return std::tie(vms_.at(a).label, a) < std::tie(vms_.at(b).label, b);
    };
    const auto by_name = [this](const WorkerId& a, const WorkerId& b) {
        return std::tie(workers_.at(a).name, a) < std::tie(workers_.at(b).name, b);
    };
    for (auto& [vm, workers] : inside_) {
        std::sort(workers.begin(), workers.end(), by_name);
    }
    for (auto& [worker, vms] : on_) {
        std::sort(vms.begin(), vms.end(), by_label);
    }
    std::sort(outermost_.begin(), outermost_.end(), by_name);
    std::sort(resting_.begin(), resting_.end(), by_label);
}

void StackGraph::add_problem(StackProblem::Kind kind,
                             const std::vector<const WorkerRecord*>& workers,
                             std::string text) {
    StackProblem problem{.kind = kind, .workers = {}, .text = std::move(text)};
    problem.workers.reserve(workers.size());
    for (const auto* worker : workers) {
        problem.workers.push_back(worker->id);
    }
    problems_.push_back(std::move(problem));
}

const StackVm* StackGraph::find_vm(const VmId& vm) const {
    const auto found = vms_.find(vm);
    return found == vms_.end() ? nullptr : &found->second;
}

const WorkerRecord* StackGraph::find_worker(const WorkerId& worker) const {
    const auto found = workers_.find(worker);
    return found == workers_.end() ? nullptr : &found->second;
}

VmId StackGraph::carrier_of(const WorkerId& worker) const {
    const auto found = carrier_.find(worker);
    return found == carrier_.end() ? VmId{} : found->second;
}

const std::vector<WorkerId>& StackGraph::workers_in(const VmId& vm) const {
    return list_of(inside_, vm);
}

const std::vector<VmId>& StackGraph::vms_on(const WorkerId& worker) const {
    return list_of(on_, worker);
}

std::vector<VmId> StackGraph::carried_by(const VmId& vm) const {
    std::vector<VmId> found;
    for (const auto& worker : workers_in(vm)) {
        const auto& vms = vms_on(worker);
        found.insert(found.end(), vms.begin(), vms.end());
    }
    return found;
}

std::vector<VmId> StackGraph::all_inside(const VmId& vm) const {
    auto found = carried_by(vm);
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto more = carried_by(found[i]);
        found.insert(found.end(), more.begin(), more.end());
    }
    return found;
}

std::vector<VmId> StackGraph::carriers_of(const VmId& vm) const {
    std::vector<VmId> chain;
    const auto* at = find_vm(vm);
    while (at != nullptr) {
        const auto carrier = carrier_of(at->worker);
        if (carrier.is_none()) break;
        chain.push_back(carrier);
        at = find_vm(carrier);
    }
    std::reverse(chain.begin(), chain.end());
    return chain;
}

} // namespace ctys
