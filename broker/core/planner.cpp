#include "broker/core/planner.h"

#include "broker/core/fold.h"
#include "broker/core/plan_rise.h"
#include "mesh/core/exact_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace ctys::broker {

namespace {

/// Where sums and waves of absurd graces end: all that is counted with stays far from overflow.
constexpr Duration longest = std::chrono::hours{24 * 365 * 1000};

Duration times(Duration span, std::size_t count) {
    if (span <= Duration{} || count == 0) return {};
    if (count > static_cast<std::size_t>(longest / span)) return longest;
    return span * static_cast<Duration::rep>(count);
}

/// A VM of the plan with what it carries, before times are known.
struct Node {
    const StackVm* vm = nullptr;  ///< none: of a machine that no VM of the mesh is
    bool is_self = false;         ///< the machine of PlanRequest::self, by its own agent
    std::vector<Node> inner = {}; ///< longest chain first
    std::vector<std::string> unreached = {};
    Duration own{};
    bool wakes = false; ///< it is started, or what carries it is: that takes as long as a boot
    Duration need{};    ///< own and all inside
    Duration chain{};   ///< need, and that of those beside it that come after it
    std::vector<VmId> first = {}; ///< those beside it that come before it
    std::size_t uncounted = 0;    ///< of its chain: they come where it is the longest already
};

bool asks_guest(Verb verb) {
    return verb == Verb::Shutdown || verb == Verb::Reboot || verb == Verb::Init;
}

/// A machine that stands still is reached once what carries it was resumed.
bool is_reachable(const StackGraph& graph, const StackVm& vm, Verb verb) {
    const auto* worker = graph.find_worker(vm.worker);
    if (worker == nullptr) return false;
    return worker->state == WorkerState::Alive || worker->state == WorkerState::Suspect ||
           (worker->state == WorkerState::Paused && is_outer_first(verb));
}

constexpr std::uint8_t power_off = 0; // run levels
constexpr std::uint8_t reboot = 6;

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
        plan_.width = static_cast<std::uint32_t>(width_);
        plan_.limited = request_.deadline.has_value();
        for (const auto& problem : graph_.problems()) {
            plan_.notes.push_back(problem.text);
        }
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
        case Verb::Reboot:
        case Verb::Reset:
        case Verb::Suspend:
            return {};
        default:
            return fail(ErrorCode::Unsupported,
                        fmt::format("no plan can {} a stack yet", to_string(request_.verb)),
                        "ctys plan shutdown VM");
        }
    }

    Result<std::vector<Node>> make_roots() {
        if (request_.self.is_none()) return make_targets(0);
        auto inner = request_.targets.empty() ? Result<std::vector<Node>>{} : make_targets(1);
        if (!inner) return inner;
        Node self{.vm = graph_.find_vm(graph_.carrier_of(request_.self)), .is_self = true};
        self.inner = std::move(*inner);
        self.own = own_of(self.vm, Verb::Init);
        self.need = self.chain = std::min(longest, self.own + need_of(self.inner));
        std::vector<Node> roots;
        roots.push_back(std::move(self));
        return roots;
    }

    Result<std::vector<Node>> make_targets(std::uint32_t level) {
        std::set<VmId> targets(request_.targets.begin(), request_.targets.end());
        std::vector<Node> roots;
        std::vector<std::string> left_out;
        bool has_some_done = false;
        for (const auto& id : targets) {
            const auto* vm = graph_.find_vm(id);
            if (vm == nullptr) return fail(ErrorCode::NotFound, "no VM matches this address");
            // What another target carries has its place there.
            const auto carriers = graph_.carriers_of(id);
            const bool is_inside = std::any_of(carriers.begin(),
                                               carriers.end(),
                                               [&](const auto& c) { return targets.contains(c); });
            if (vm->worker.is_none() || (is_inside && request_.scope == Scope::Stack)) continue;
            // What carries it is no part of this plan: nobody wakes that.
            if (!is_reachable(graph_, *vm, Verb::Pause)) {
                const auto* worker = graph_.find_worker(vm->worker);
                if (request_.skip_unreached) {
                    left_out.push_back(vm->label);
                    continue;
                }
                return fail(ErrorCode::Unreachable,
                            fmt::format("{} {} on {}, which is {}",
                                        vm->label,
                                        vm->asleep ? "is suspended" : "runs",
                                        worker != nullptr ? worker->name : vm->worker.to_string(),
                                        worker != nullptr ? to_string(worker->state) : "unknown"),
                            "ctys workers");
            }
            if (auto able = check_target(*vm, level); !able) return tl::unexpected(able.error());
            auto node = make_node(*vm, level);
            if (has_nothing_to_do(node, level)) {
                has_some_done = true;
            } else {
                roots.push_back(std::move(node));
            }
        }
        if (roots.empty() && level == 0 && has_some_done) {
            plan_.notes.push_back(request_.verb == Verb::Pause
                                      ? "nothing to do: it is paused already"
                                      : "nothing to do: it runs already");
        } else if (roots.empty() && level == 0 && !left_out.empty()) {
            return fail(ErrorCode::Unreachable,
                        fmt::format("none of it can be reached: {} away", are(left_out)),
                        "ctys workers");
        }
        if (roots.empty() && level == 0 && !has_some_done)
            return fail(ErrorCode::Conflict, std::string{nothing_runs}, "ctys stack");
        if (!left_out.empty())
            plan_.notes.push_back(fmt::format("left out: {} away", are(left_out)));
        sort(roots);
        return roots;
    }

    /// "the worker of a is", "the workers of a, b and 7 more are"
    static std::string are(const std::vector<std::string>& labels) {
        constexpr std::size_t most = 8; // of a sentence that people read
        const std::vector<std::string> named(
            labels.begin(),
            labels.begin() + static_cast<std::ptrdiff_t>(std::min(most, labels.size())));
        if (labels.size() == 1) return fmt::format("the worker of {} is", labels.front());
        auto text = fmt::format("the workers of {}", fmt::join(named, ", "));
        if (labels.size() > most) text += fmt::format(" and {} more", labels.size() - most);
        return text + " are";
    }

    /// What is inside is not ended for nothing.
    [[nodiscard]] Status check_target(const StackVm& vm, std::uint32_t level) const {
        const auto verb = verb_at(level);
        if ((verb != Verb::Reboot && verb != Verb::Suspend) || vm.owner == Owner::Ctys) return {};
        return fail(ErrorCode::Conflict,
                    fmt::format("{} was not started by ctys: nobody here can {} it",
                                vm.label,
                                to_string(verb)),
                    fmt::format("ctys shutdown {}", vm.label));
    }

    [[nodiscard]] Verb verb_at(std::uint32_t level) const {
        return level == 0 ? request_.verb : inner_verb(request_.verb);
    }

    /// It stands, or runs, as it is to, and so does all inside.
    [[nodiscard]] bool has_nothing_to_do(const Node& node, std::uint32_t level) const {
        if (!node.inner.empty() || node.wakes) return false;
        const auto verb = verb_at(level);
        return (verb == Verb::Resume && node.vm->state == VmState::Running) ||
               (verb == Verb::Pause && node.vm->state == VmState::Paused);
    }

    Node make_node(const StackVm& vm, std::uint32_t level, bool wakes = false) {
        Node node{.vm = &vm};
        node.wakes = wakes || vm.asleep;
        if (request_.scope == Scope::Stack) {
            for (const auto& id : graph_.carried_by(vm.vm)) {
                const auto& inner = *graph_.find_vm(id);
                // What stands already, somebody else has paused; with it stands all inside.
                if (verb_at(level + 1) == Verb::Pause && stands(inner.state)) continue;
                if (is_reachable(graph_, inner, request_.verb)) {
                    auto each = make_node(inner, level + 1, node.wakes);
                    if (!has_nothing_to_do(each, level + 1)) node.inner.push_back(std::move(each));
                } else {
                    node.unreached.push_back(inner.label);
                }
            }
        }
        sort(node.inner);
        node.own = node.wakes ? start_patience : own_of(&vm, verb_at(level));
        node.need = node.chain = std::min(longest, node.own + need_of(node.inner));
        return node;
    }

    [[nodiscard]] Duration own_of(const StackVm* vm, Verb verb) const {
        if (verb == Verb::Suspend) return std::max(policy_.least, policy_.grace);
        if (!asks_guest(verb)) return policy_.least;
        const bool has_grace = vm != nullptr && vm->grace && !request_.never_cuts;
        // Where no deadline is shared out it is cut then, be that ever so soon.
        if (has_grace && !request_.deadline && verb == Verb::Shutdown) return *vm->grace;
        if (has_grace) return std::max(policy_.least, *vm->grace);
        return std::max(policy_.least, request_.deadline ? policy_.grace : policy_.patience);
    }

    /// What comes after others is also behind them: its chain is shorter.
    void sort(std::vector<Node>& nodes) {
        if (std::any_of(nodes.begin(), nodes.end(), [](const Node& node) {
                return !node.vm->start_after.empty();
            }))
            order_siblings(nodes);
        std::stable_sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) {
            return std::tie(b.chain, b.uncounted, a.vm->label) <
                   std::tie(a.chain, a.uncounted, b.vm->label);
        });
    }

    /// STARTAFTER among VMs of one worker: started in this order, ended in the reverse one.
    void order_siblings(std::vector<Node>& nodes) {
        std::map<std::pair<WorkerId, std::string>, std::size_t> by_label;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            by_label.emplace(std::pair{nodes[i].vm->worker, nodes[i].vm->label}, i);
        }
        std::vector<std::vector<std::size_t>> later(nodes.size());
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            for (const auto& label : nodes[i].vm->start_after) {
                const auto found = by_label.find({nodes[i].vm->worker, label});
                if (found == by_label.end() || found->second == i) continue;
                const bool rises = is_outer_first(request_.verb);
                later[rises ? found->second : i].push_back(rises ? i : found->second);
            }
        }
        measure(nodes, later);
    }

    /// The chains of siblings, from their ends. Not recursive: a chain is as long as its VMs are
    /// many.
    void measure(std::vector<Node>& nodes, const std::vector<std::vector<std::size_t>>& later) {
        struct Visit {
            std::size_t at;
            std::size_t next = 0; // of those that come later
            Duration behind{};
            std::size_t uncounted = 0;
        };
        enum class Seen : std::uint8_t { No, OnTheWay, Done };
        std::vector<Seen> seen(nodes.size());
        std::vector<Visit> way;
        const auto visit = [&](std::size_t at) {
            seen[at] = Seen::OnTheWay;
            way.push_back({.at = at});
        };
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            if (seen[i] == Seen::No) visit(i);
            while (!way.empty()) {
                auto& [at, position, behind, uncounted] = way.back();
                if (position == later[at].size()) {
                    nodes[at].chain = std::min(longest, nodes[at].need + behind);
                    if (nodes[at].chain == longest) nodes[at].uncounted = uncounted + 1;
                    seen[at] = Seen::Done;
                    way.pop_back();
                    continue;
                }
                const auto next = later[at][position];
                if (seen[next] == Seen::No) {
                    visit(next); // and then comes back to it
                    continue;
                }
                ++position;
                if (seen[next] == Seen::OnTheWay) {
                    plan_.notes.push_back(
                        fmt::format("STARTAFTER of {} and {} makes a circle: not obeyed there",
                                    nodes[at].vm->label,
                                    nodes[next].vm->label));
                    continue;
                }
                behind = std::max(behind, nodes[next].chain);
                uncounted = std::max(uncounted, nodes[next].uncounted);
                nodes[next].first.push_back(nodes[at].vm->vm);
            }
        }
    }

    [[nodiscard]] std::size_t waves(const std::vector<Node>& nodes) const {
        return (nodes.size() + width_ - 1) / width_;
    }
    [[nodiscard]] Duration need_of(const std::vector<Node>& nodes) const {
        return nodes.empty() ? Duration{} : times(nodes.front().chain, waves(nodes));
    }

    Status choose_factor(Duration needed) {
        if (!request_.deadline || *request_.deadline >= needed || *request_.deadline == Duration{})
            return {};
        if (!request_.shrink) {
            return fail(ErrorCode::Conflict,
                        fmt::format("{} are too short, {} are needed",
                                    to_short_text(*request_.deadline),
                                    to_short_text(needed)),
                        fmt::format("--deadline {} or --shrink", exact_text(needed)));
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
        const auto wave = share(nodes.front().chain);
        const auto last = waves(nodes) - 1;
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            const auto& node = nodes[i];
            const auto end = std::max(begin, until - times(wave, last - i / width_));
            auto start = i < width_ ? begin : std::max(begin, end - wave);
            for (const auto& vm : node.first) {
                if (!is_outer_first(request_.verb))
                    start = std::max(start, plan_.steps[index_.at(vm)].until);
            }
            const auto gone = std::max(start, end - share(node.chain - node.need));
            placed.push_back(place(node, start, gone, level));
            auto& after = plan_.steps[placed.back()].after;
            for (const auto& vm : node.first) {
                after.push_back(index_.at(vm));
            }
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
        auto inner = place(node.inner, begin, std::max(begin, until - share(node.own)), level + 1);
        for (const auto index : inner) {
            begin = std::max(begin, plan_.steps[index].until);
        }
        // Nobody has time to spare where there is no deadline to share out.
        if (!request_.deadline) until = std::min(until, begin + node.own);
        const auto self = add(node, begin, until, level);
        plan_.steps[self].after = std::move(inner);
        return self;
    }

    std::uint32_t add(const Node& node, Duration begin, Duration until, std::uint32_t level) {
        if (node.is_self) return add_self(node, begin, until);
        const auto& vm = *node.vm;
        const auto* worker = graph_.find_worker(vm.worker);
        const auto verb = vm.asleep ? Verb::Start : verb_at(level);
        const bool by_grace =
            vm.grace.has_value() && !request_.never_cuts && verb == Verb::Shutdown;
        note_unreached(node, verb_at(level + 1));
        PlanStep step{.vm = vm.vm,
                      .label = vm.label,
                      .worker = vm.worker,
                      .worker_name = worker->name,
                      .verb = verb,
                      .level = level,
                      .after = {},
                      .begin = begin,
                      .until = until,
                      .grace = request_.deadline || !by_grace ? std::nullopt : vm.grace,
                      .cuts = request_.deadline.has_value() || by_grace,
                      .can_ask = vm.can_ask,
                      .owner = vm.owner,
                      .inside = graph_.workers_in(vm.vm),
                      .unreached = node.unreached,
                      .run_level = {},
                      .boot = {},
                      .guest_agent = vm.guest_agent};
        const bool at_once = request_.deadline == Duration{};
        const bool is_cut = at_once || (!vm.can_ask && request_.cut_unaskable);
        if (verb == Verb::Shutdown && is_cut) step.verb = Verb::Kill;
        if (verb == Verb::Reboot && at_once) step.verb = Verb::Reset;
        index_.emplace(vm.vm, static_cast<std::uint32_t>(plan_.steps.size()));
        return append(std::move(step));
    }

    /// Its own system ends them, if it can, or they stand and go on with it: nobody hears of it.
    void note_unreached(const Node& node, Verb verb) {
        if (node.unreached.empty()) return;
        constexpr std::size_t most = 8; // of a sentence that people read
        std::vector<std::string> agents;
        for (const auto& id : graph_.workers_in(node.vm->vm)) {
            const auto* worker = graph_.find_worker(id);
            if (worker->state != WorkerState::Alive && worker->state != WorkerState::Suspect)
                agents.push_back(fmt::format("{} is {}", worker->name, to_string(worker->state)));
        }
        const std::vector<std::string> named(
            node.unreached.begin(),
            node.unreached.begin() +
                static_cast<std::ptrdiff_t>(std::min(most, node.unreached.size())));
        const auto [deed, seen] = words_for(verb, node.unreached.size() == 1);
        plan_.notes.push_back(fmt::format(
            "{}: nobody here can {} {}{}, or see {}",
            agents.empty() ? node.vm->label : fmt::format("{}", fmt::join(agents, ", ")),
            deed,
            fmt::join(named, ", "),
            node.unreached.size() > most ? fmt::format(" and {} more", node.unreached.size() - most)
                                         : "",
            seen));
    }

    /// What nobody can do, and what nobody sees then.
    static std::pair<std::string_view, std::string_view> words_for(Verb verb, bool is_one) {
        if (verb == Verb::Pause) return {"pause", is_one ? "that it stands" : "that they stand"};
        if (verb == Verb::Resume)
            return {"resume", is_one ? "whether it goes on" : "whether they go on"};
        return {verb == Verb::Kill ? "cut" : "ask", is_one ? "how it ends" : "how they end"};
    }

    std::uint32_t append(PlanStep step) {
        plan_.steps.push_back(std::move(step));
        return static_cast<std::uint32_t>(plan_.steps.size() - 1);
    }

    /// The machine itself; where a VM is that machine and a deadline was given, its power is cut
    /// then by whoever runs it.
    std::uint32_t add_self(const Node& node, Duration begin, Duration until) {
        const auto* worker = graph_.find_worker(request_.self);
        const auto* vm = node.vm;
        const bool ends = !is_rebooting(request_.verb);
        PlanStep step{.vm = vm != nullptr ? vm->vm : VmId{},
                      .label = vm != nullptr ? vm->label : worker->name,
                      .worker = worker->id,
                      .worker_name = worker->name,
                      .verb = Verb::Init};
        step.begin = begin;
        step.until = until;
        step.inside = vm != nullptr ? graph_.workers_in(vm->vm) : std::vector{worker->id};
        step.run_level = ends ? power_off : reboot;
        self_ = append(step);
        if (vm == nullptr || !ends || !request_.deadline) return self_;
        const auto* outer = graph_.find_worker(vm->worker);
        if (outer == nullptr) return self_;
        step.worker = outer->id;
        step.worker_name = outer->name;
        step.verb = Verb::Kill;
        step.begin = until;
        step.cuts = true;
        step.inside.clear();
        step.run_level.reset();
        step.after = {self_};
        append(std::move(step));
        return self_;
    }

    void find_critical(const std::vector<Node>& roots) {
        for (const auto* at = &roots; !at->empty(); at = &at->front().inner) {
            const auto& node = at->front();
            plan_.critical.push_back(node.is_self ? self_ : index_.at(node.vm->vm));
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
    std::uint32_t self_ = 0;
};

} // namespace

Result<Plan>
make_plan(const StackGraph& graph, const PlanRequest& request, const PlanPolicy& policy) {
    return Planner(graph, request, policy).run();
}

} // namespace ctys::broker
