#pragma once

#include "broker/core/roster.h"
#include "broker/core/row_index.h"
#include "mesh/core/plan.h"

#include <functional>
#include <map>
#include <set>

namespace ctys::broker {

/// What a plan sees of the rest of the core.
struct PlanView {
    const InventoryView& inventory;
    const RowIndex& index;
    const Roster& roster;
    std::function<const ActionRecord*(ActionId)> find_action;
    /// Another order, or another plan, ends the VM and says when it is cut.
    std::function<bool(const VmId&)> has_deadline;
};

/// What a plan wants done now.
struct PlanOrders {
    struct Begin {
        Action action;
        std::string label;
    };
    std::vector<Begin> begin;
    std::vector<ActionId> cancel;
    std::optional<Outcome> end; ///< the plan is over
};

/// One plan that is carried out (DESIGN: Stacks). A step is one order to one worker; every change
/// of a step is stored before its order leaves, and the id of an order follows from plan, step and
/// try, so that a broker that restarts asks for nothing twice.
///
///     step      | turn comes | VM ended | order: ok | order: error | worker lost | cancel
///     waiting   | asked      | done     | -         | -            | unreached   | skipped
///     asked     | -          | -        | done      | failed (1)   | unreached   | cancels it
///     unreached | -          | done     | -         | -            | -           | -
///     done, failed, skipped: final.
///     (1) done where the VM ended; waiting again where the order was never begun, or its agent was
///     restarted meanwhile and the same order harms nothing twice (no reboot, no reset, no init)
///
/// A step that ends things (shutdown, kill, reboot, reset, pause, suspend, init) comes after those
/// inside it, one that raises them (start, resume) after what carries it. A plan that reboots has
/// both: what was ended inside is started when its worker has said hello in another boot than the
/// one in which it was ended. Two kinds of orders are over later than their answer says:
///
///     order         | its answer           | the step is done when
///     init          | "it is under way"    | the machine is gone, or heard in another boot
///     reboot, reset | nobody can tell      | its worker is heard in another boot
///
/// A step's turn comes when all it waits for is over and one of the places of its siblings is free,
/// or, under a deadline, when what it waits for has used up its share, and what is cut at the end
/// of that had a second to end. Without a deadline nobody is asked to end while something inside
/// goes on: the step is skipped. Under one, what could not be asked inside has the time until its
/// carrier is due. Before a carrier is asked, what it carries is looked at again: newcomers become
/// steps in its share.
class PlanRun {
public:
    static constexpr std::uint32_t most_tries = 5;
    /// Of what starts on a machine that has just booted: 1, 2, 4... s apart, beyond start_patience.
    static constexpr std::uint32_t most_early_tries = 10;
    /// Newcomers that appear faster than they end are left to their carrier's own agent.
    static constexpr std::uint32_t most_looks = 4;
    static constexpr std::size_t most_steps = 20000; // P8: with newcomers
    /// How often the time that was spent is stored.
    static constexpr Duration save_every = std::chrono::seconds{5};

    PlanRun(Action asked, PlanRecord plan, std::vector<PlanStepRecord> steps, Instant now);

    [[nodiscard]] const Action& asked() const { return asked_; }
    [[nodiscard]] const PlanRecord& plan() const { return plan_; }
    /// The plan with the time it has spent until now.
    [[nodiscard]] PlanRecord plan_at(Instant now) const;
    [[nodiscard]] const std::vector<PlanStepRecord>& steps() const { return steps_; }
    [[nodiscard]] bool has_step(const VmId& vm) const { return by_vm_.contains(vm); }
    [[nodiscard]] bool has_open_step(const VmId& vm) const;
    /// A step of the same VM, or of the same machine where that is none.
    [[nodiscard]] bool meets(const PlanStep& step) const;
    /// Workers on which nothing may be started while the plan runs; where it starts things again
    /// itself, until its own orders may go there.
    [[nodiscard]] std::set<WorkerId> drains() const;
    /// They may be others than when this was asked before.
    [[nodiscard]] bool take_drains_changed() { return std::exchange(drains_changed_, false); }

    /// Writes the plan as it is.
    void store(Turn& turn);
    /// It is over: how long it took is written.
    void close(Turn& turn);
    void on_vm_ended(const VmId& vm);
    /// These workers are on the machine that this VM is, some perhaps since a moment ago.
    void on_inside(Turn& turn, const VmId& vm, const std::vector<WorkerId>& workers);
    void on_order_ended(ActionId order);
    void cancel() { is_cancelling_ = true; }
    /// The broker itself stood still for so long: that time is not counted.
    void excuse(Duration span) { began_ = began_ + span, saved_ = saved_ + span; }
    /// Once a second: time passes, and workers come and go. An order that was never begun is given
    /// again with the next of these.
    void on_tick(Turn& turn);
    /// Called after each of these, and after it was loaded.
    [[nodiscard]] PlanOrders advance(Turn& turn, const PlanView& view);

private:
    [[nodiscard]] Duration elapsed(const Turn& turn) const { return turn.now().instant - began_; }
    void link(std::size_t from);
    [[nodiscard]] std::optional<std::uint32_t> carrier_of(std::uint32_t index) const;
    [[nodiscard]] std::int64_t group_of(std::uint32_t index) const;
    [[nodiscard]] bool is_due(const Turn& turn, const PlanStep& step) const;
    void look_again(const Turn& turn, const PlanView& view);
    void
    try_group(Turn& turn, const PlanView& view, std::int64_t group, bool all, PlanOrders& orders);
    void add_ready(std::uint32_t index);
    void remove_ready(std::uint32_t index);
    bool add_newcomers(Turn& turn, const PlanView& view, std::uint32_t index);
    void append(Turn& turn, const Plan& plan, std::uint32_t outer);
    void set(Turn& turn, PlanStepRecord& step, StepState state, std::string text);
    void cancel_steps(Turn& turn, PlanOrders& orders);
    [[nodiscard]] std::string sum_up(std::size_t done) const;
    [[nodiscard]] bool is_cut_of_self(const PlanStepRecord& step) const;
    [[nodiscard]] Outcome outcome(const Turn& turn, const PlanView& view) const;

    // What becomes of one step (plan_step.cpp).
    void examine(Turn& turn, const PlanView& view, std::uint32_t index);
    void examine_order(Turn& turn, const PlanView& view, PlanStepRecord& step);
    void examine_self(Turn& turn, const PlanView& view, PlanStepRecord& step);
    [[nodiscard]] bool is_off(const PlanView& view, const PlanStepRecord& step) const;
    [[nodiscard]] bool is_waited_for(const Turn& turn, const PlanStepRecord& step) const;
    [[nodiscard]] bool follows_start(const PlanStep& step) const;
    [[nodiscard]] bool is_out_of_reach(const PlanView& view, const PlanStep& step) const;
    [[nodiscard]] bool is_too_late(const Turn& turn, const PlanStep& step) const;
    [[nodiscard]] std::optional<std::string> blocked_by(const PlanView& view,
                                                        const PlanStep& step) const;
    [[nodiscard]] bool is_held(const PlanView& view, const PlanStep& step) const;
    [[nodiscard]] bool has_work_inside(const PlanView& view, const PlanStep& step) const;
    void try_start(Turn& turn, const PlanView& view, std::uint32_t index, PlanOrders& orders);
    void try_process(Turn& turn, const PlanView& view, PlanStepRecord& step, PlanOrders& orders);
    void note_boots(Turn& turn, const PlanView& view, PlanStepRecord& step);
    void order(Turn& turn,
               const PlanView& view,
               PlanStepRecord& step,
               const InstanceKey& instance,
               PlanOrders& orders);

    Action asked_;
    PlanRecord plan_;
    std::vector<PlanStepRecord> steps_;
    Instant began_;
    Instant saved_;
    bool is_cancelling_ = false;
    bool is_cancelled_ = false; ///< the orders were told
    bool restores_ = false;     ///< it ends things and starts them again
    bool drains_changed_ = false;
    std::map<VmId, std::vector<std::uint32_t>> by_vm_;
    std::map<ActionId, std::uint32_t> by_order_;
    std::vector<std::vector<std::uint32_t>> waited_by_; ///< reverse of `after`
    std::vector<std::size_t> pending_;                  ///< steps it waits for that are not over
    std::map<std::int64_t, std::size_t> asked_in_;      ///< asked steps among siblings
    std::map<std::uint32_t, std::uint32_t> looks_;      ///< for newcomers, by step
    std::set<std::uint32_t> dirty_;                     ///< to be looked at
    /// Waiting, for nothing but a place among their siblings.
    std::map<std::int64_t, std::set<std::uint32_t>> ready_;
    std::set<std::int64_t> stirred_; ///< siblings to be looked at
    bool is_tick_ = true;            ///< every waiting step is looked at
    std::size_t over_ = 0;
};

} // namespace ctys::broker
