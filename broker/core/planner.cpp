#include "broker/core/planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace ctys::broker {

namespace {

/// A VM of the plan with what it carries, before times are known.
struct Node {
    const StackVm* vm = nullptr;
    std::vector<Node> inner; ///< longest need first
    std::vector<std::string> unreached;
    Duration own{};
    Duration need{}; ///< own and all inside
};

bool is_reachable(const StackGraph& graph, const StackVm& vm) {
    const auto* worker = graph.find_worker(vm.worker);
    return worker != nullptr &&
           (worker->state == WorkerState::Alive || worker->state == WorkerState::Suspect);
}

bool is_outer_first(Verb verb) {
    return verb == Verb::Resume;
}

class Planner {
public:
    Planner(const StackGraph& graph, const PlanRequest& request, const PlanPolicy& policy)
        : graph_(graph), request_(request), policy_(policy),
          width_(request.width != 0 ? request.width : policy.width) {}

    Result<Plan> run() {
        if (auto checked = check(); !checked) return tl::unexpected(checked.error());
        auto roots = make_roots();
        if (!roots) return tl::unexpected(roots.error());
        const auto needed = need_of(*roots);
        if (auto fits = choose_factor(needed); !fits) return tl::unexpected(fits.error());
        plan_.needed = needed;
        plan_.until = request_.deadline.value_or(needed);
        place(*roots, {}, plan_.until, 0);
        find_critical(*roots);
        return std::move(plan_);
    }

private:
    [[nodiscard]] Status check() const {
        switch (request_.verb) {
        case Verb::Shutdown:
        case Verb::Kill:
        case Verb::Pause:
        case Verb::Resume:
            return {};
        default:
            return fail(ErrorCode::Unsupported,
                        fmt::format("no plan can {} a stack yet", to_string(request_.verb)),
                        "ctys plan shutdown VM");
        }
    }

    Result<std::vector<Node>> make_roots() {
        std::set<VmId> targets(request_.targets.begin(), request_.targets.end());
        std::vector<Node> roots;
        for (const auto& id : targets) {
            const auto* vm = graph_.find_vm(id);
            if (vm == nullptr) return fail(ErrorCode::NotFound, "no VM matches this address");
            // What another target carries has its place there.
            const auto carriers = graph_.carriers_of(id);
            const bool is_inside = std::any_of(carriers.begin(),
                                               carriers.end(),
                                               [&](const auto& c) { return targets.contains(c); });
            if (vm->worker.is_none() || (is_inside && request_.scope == Scope::Stack)) continue;
            if (!is_reachable(graph_, *vm)) {
                const auto* worker = graph_.find_worker(vm->worker);
                return fail(ErrorCode::Unreachable,
                            fmt::format("{} runs on {}, which is {}",
                                        vm->label,
                                        worker != nullptr ? worker->name : vm->worker.to_string(),
                                        worker != nullptr ? to_string(worker->state) : "unknown"),
                            "ctys workers");
            }
            roots.push_back(make_node(*vm));
        }
        if (roots.empty()) return fail(ErrorCode::Conflict, "nothing of it runs", "ctys stack");
        sort(roots);
        return roots;
    }

    Node make_node(const StackVm& vm) {
        Node node{.vm = &vm, .inner = {}, .unreached = {}, .own = {}, .need = {}};
        if (request_.scope == Scope::Stack) {
            for (const auto& id : graph_.carried_by(vm.vm)) {
                const auto& inner = *graph_.find_vm(id);
                if (is_reachable(graph_, inner)) {
                    node.inner.push_back(make_node(inner));
                } else {
                    node.unreached.push_back(inner.label);
                }
            }
        }
        sort(node.inner);
        node.own = own_of(vm);
        node.need = node.own + need_of(node.inner);
        return node;
    }

    [[nodiscard]] Duration own_of(const StackVm& vm) const {
        if (request_.verb != Verb::Shutdown) return policy_.least;
        if (vm.grace) return std::max(policy_.least, *vm.grace);
        return std::max(policy_.least, request_.deadline ? policy_.grace : policy_.patience);
    }

    static void sort(std::vector<Node>& nodes) {
        std::stable_sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) {
            return std::tie(b.need, a.vm->label) < std::tie(a.need, b.vm->label);
        });
    }

    [[nodiscard]] std::size_t waves(const std::vector<Node>& nodes) const {
        return (nodes.size() + width_ - 1) / width_;
    }
    [[nodiscard]] Duration need_of(const std::vector<Node>& nodes) const {
        return nodes.empty() ? Duration{}
                             : nodes.front().need * static_cast<Duration::rep>(waves(nodes));
    }

    Status choose_factor(Duration needed) {
        if (!request_.deadline || *request_.deadline >= needed || *request_.deadline == Duration{})
            return {};
        if (!request_.shrink) {
            return fail(ErrorCode::Conflict,
                        fmt::format("{} are too short, {} are needed",
                                    to_short_text(*request_.deadline),
                                    to_short_text(needed)),
                        fmt::format("--deadline {} or --shrink", to_short_text(needed)));
        }
        shrink_ = {request_.deadline->count(), needed.count()};
        return {};
    }

    [[nodiscard]] Duration share(Duration whole) const {
        if (request_.deadline == Duration{}) return {};
        const auto [part, of] = shrink_;
        // Spans of a year in microseconds leave no room for a product.
        return Duration{static_cast<Duration::rep>(static_cast<long double>(whole.count()) *
                                                   static_cast<long double>(part) /
                                                   static_cast<long double>(of))};
    }

    /// Steps for siblings that begin at `begin` and have to be gone by `until`; their indices.
    std::vector<std::uint32_t>
    place(const std::vector<Node>& nodes, Duration begin, Duration until, std::uint32_t level) {
        std::vector<std::uint32_t> placed;
        if (nodes.empty()) return placed;
        const auto wave = share(nodes.front().need);
        const auto last = waves(nodes) - 1;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const auto later = static_cast<Duration::rep>(last - i / width_);
            const auto end = until - wave * later;
            placed.push_back(place(nodes[i], i < width_ ? begin : end - wave, end, level));
        }
        return placed;
    }

    std::uint32_t place(const Node& node, Duration begin, Duration until, std::uint32_t level) {
        plan_.levels = std::max(plan_.levels, level + 1);
        if (is_outer_first(request_.verb)) {
            const auto self = add(node, begin, until, level);
            for (const auto index : place(node.inner, begin, until, level + 1)) {
                plan_.steps[index].after.push_back(self);
            }
            return self;
        }
        auto inner = place(node.inner, begin, until - share(node.own), level + 1);
        for (const auto index : inner) {
            begin = std::max(begin, plan_.steps[index].until);
        }
        const auto self = add(node, begin, until, level);
        plan_.steps[self].after = std::move(inner);
        return self;
    }

    std::uint32_t add(const Node& node, Duration begin, Duration until, std::uint32_t level) {
        const auto& vm = *node.vm;
        const auto* worker = graph_.find_worker(vm.worker);
        PlanStep step{.vm = vm.vm,
                      .label = vm.label,
                      .worker = vm.worker,
                      .worker_name = worker->name,
                      .verb = request_.verb,
                      .level = level,
                      .after = {},
                      .begin = begin,
                      .until = until,
                      .cuts = request_.deadline.has_value() || vm.grace.has_value(),
                      .can_ask = vm.can_ask,
                      .owner = vm.owner,
                      .unreached = node.unreached};
        const bool at_once = request_.deadline == Duration{};
        const bool is_cut = at_once || (!vm.can_ask && request_.cut_unaskable);
        if (request_.verb == Verb::Shutdown && is_cut) step.verb = Verb::Kill;
        index_.emplace(vm.vm, static_cast<std::uint32_t>(plan_.steps.size()));
        plan_.steps.push_back(std::move(step));
        return static_cast<std::uint32_t>(plan_.steps.size() - 1);
    }

    void find_critical(const std::vector<Node>& roots) {
        for (const auto* at = &roots; !at->empty(); at = &at->front().inner) {
            plan_.critical.push_back(index_.at(at->front().vm->vm));
        }
        if (!is_outer_first(request_.verb))
            std::reverse(plan_.critical.begin(), plan_.critical.end());
    }

    const StackGraph& graph_;
    const PlanRequest& request_;
    const PlanPolicy& policy_;
    std::size_t width_;
    std::pair<Duration::rep, Duration::rep> shrink_{1, 1};
    Plan plan_;
    std::map<VmId, std::uint32_t> index_;
};

} // namespace

Result<Plan>
make_plan(const StackGraph& graph, const PlanRequest& request, const PlanPolicy& policy) {
    return Planner(graph, request, policy).run();
}

} // namespace ctys::broker
