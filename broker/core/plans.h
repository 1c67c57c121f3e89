#pragma once

#include "broker/core/plan_rise.h"
#include "broker/core/plan_run.h"
#include "broker/core/planner.h"

#include <deque>

namespace ctys::broker {

/// Stacks that are being ended, paused or resumed, and those that were lately.
class Plans {
public:
    explicit Plans(Roster& roster) : roster_(roster) {}

    /// Plans that are over and still shown, with their steps; older ones are erased.
    static constexpr std::size_t kept = 100;
    static constexpr std::size_t kept_steps = 100000; ///< of all of them
    static constexpr std::size_t most_open = 64;      // P8
    static constexpr std::size_t most_steps = PlanRun::most_steps;

    /// Goes on with what a former life had begun. `find_action` gives the actions that were loaded.
    /// Returns actions whose plan is not whole any more. What belongs to no action that is known is
    /// erased with the next tick.
    [[nodiscard]] std::vector<ActionId>
    load(std::vector<PlanRecord> plans,
         std::vector<PlanStepRecord> steps,
         const std::function<const ActionRecord*(ActionId)>& find_action,
         Instant now);

    /// What is asked for, and whether one order is enough for it.
    struct Wish {
        const Action& action;
        std::vector<VmId> targets;
        bool is_many = false; ///< a whole worker or the whole estate
        WorkerId self;        ///< its machine, too, after all targets; none: no
    };
    /// Nothing: one order is enough. Errors: those of make_plan(), Conflict (VMs that cannot be
    /// asked, unless it is a rehearsal; another plan that crosses this one), Overloaded.
    [[nodiscard]] Result<std::optional<Plan>>
    consider(const InventoryView& inventory, const RowIndex& index, const Wish& wish) const;
    /// What one order is enough for, as a plan to be shown. Errors: those of make_plan().
    [[nodiscard]] Result<Plan>
    picture(const InventoryView& inventory, const RowIndex& index, const Wish& wish) const;
    /// Starts what this plan has ended, or brings back what it has suspended, what carries before
    /// what is carried. Errors: NotFound (no
    /// such plan is kept), Conflict (it is under way, or has ended nothing).
    [[nodiscard]] Result<Plan> like_before(ActionId plan) const;

    /// What the last plan that suspended this VM has paused in it is to be resumed with it.
    struct Asleep {
        Plan plan;      ///< that brings both back
        ActionId order; ///< that suspended it
    };
    [[nodiscard]] std::optional<Asleep> find_asleep(const VmId& vm) const;

    /// May one order go to a VM that a running plan has to do with? Errors: Conflict.
    [[nodiscard]] Status allows(Verb verb, const VmId& vm) const;

    /// A running plan ends this VM, and says when it is cut.
    [[nodiscard]] bool gives_deadline(const VmId& vm) const;

    /// May this plan start its VMs? Errors: Conflict (another plan has to do with one of them, or
    /// ends what runs where one would be started).
    [[nodiscard]] Status allows_rise(const Plan& plan) const;

    void begin(Turn& turn, const Action& asked, const std::string& target, const Plan& plan);
    /// False: there is no such plan under way.
    bool cancel(ActionId plan);
    void on_order_ended(const Action& order);
    void on_vm_ended(const VmId& vm);
    /// Its agent has called. Where a plan ends the VM that it is on, nothing starts there any more.
    void on_registered(Turn& turn, const WorkerRecord& worker);
    void on_tick(Turn& turn);
    /// The broker itself stood still for so long.
    void excuse(Duration span);

    struct Orders {
        ActionId plan;
        PlanOrders what;
    };
    /// What is to be done now by all of them; empty when nothing is.
    [[nodiscard]] std::vector<Orders> advance(Turn& turn, const PlanView& view);
    /// The plan has had its end: it is kept to be shown.
    void finish(Turn& turn, ActionId plan);

    [[nodiscard]] bool is_open(ActionId plan) const { return open_.contains(plan); }
    /// The plan and its steps, as rows; nothing when it is not known.
    [[nodiscard]] std::vector<Row> rows(ActionId plan, Instant now) const;

private:
    struct Ended {
        PlanRecord plan;
        std::vector<PlanStepRecord> steps;
    };
    [[nodiscard]] Status check_crossing(Verb verb, const Plan& plan) const;
    void drop_oldest(Turn& turn);
    void drain(Turn* turn);

    Roster& roster_;
    std::map<ActionId, PlanRun> open_;
    std::set<ActionId> moved_; ///< to be advanced
    std::deque<Ended> ended_;  ///< oldest first
    std::size_t ended_steps_ = 0;
    std::set<ActionId> orphans_; ///< rows of plans whose action is not kept any more
    std::set<WorkerId> drained_;
};

/// Would the agent begin this order of what runs there, as far as the inventory tells? Errors:
/// those of check_order(), Conflict (a disk cannot keep a state).
[[nodiscard]] Status check_one(const Action& action,
                               const InventoryView& inventory,
                               const VmId& vm,
                               const WorkerId& worker);

/// A plan as the rows that show it.
[[nodiscard]] std::vector<Row> rows_of(const Action& action, const Plan& plan);

} // namespace ctys::broker
