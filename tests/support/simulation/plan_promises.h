#pragma once

#include "mesh/core/event.h"
#include "mesh/core/plan.h"
#include "mesh/core/time.h"

#include <map>
#include <set>

namespace ctys::sim {

class SimMesh;

/// Judges each order of a plan at the moment it becomes durable, against the whole truth of the
/// machines (P4): what carries others comes after them or at its time, no more siblings at once
/// than the width, nothing is asked twice at once, no reset or reboot is begun twice, nothing after
/// the end or a cancellation, nothing starts inside, except what a plan starts again itself, in
/// another boot, and what is said to be done is. Time is the true one since the order: a plan may
/// count less, never more (P5).
class PlanPromises {
public:
    explicit PlanPromises(SimMesh& mesh) : mesh_(mesh) {}

    void on_event(const Event& event);
    void check_rest() const;

private:
    /// A plan as it was when it became durable, whatever its rows say later.
    struct Begun {
        Instant at;
        std::uint32_t width = 1;
        std::map<std::uint32_t, PlanStep> steps; ///< newcomers: as first seen
        /// Who is asked among which siblings: by the step that waits for them, or that they wait
        /// for.
        std::map<std::uint32_t, std::int64_t> group;
        std::map<std::int64_t, std::set<std::uint32_t>> asked;
    };
    void note_steps(ActionId plan);
    void on_order(const ActionRecord& order);
    void on_start(const ActionRecord& start) const;
    void check_once(const ActionRecord& record, const Action& action);
    void check_boot(const ActionRecord& order) const;
    void note_boots(const ActionRecord& order);
    /// Time has come for it, whatever goes on inside.
    [[nodiscard]] bool is_due(const PlanStepRecord& step) const;
    void check_width(const ActionRecord& order);
    void check_done(const ActionRecord& plan);
    void check_inside(const ActionRecord& order) const;
    [[nodiscard]] bool has_failed(ActionId plan, const VmId& vm, const WorkerId& worker) const;
    [[nodiscard]] bool is_given_time_by_others(const ActionRecord& order) const;
    void check_deadline(const ActionRecord& order, const PlanRecord& plan) const;
    [[nodiscard]] const PlanStepRecord* step_of(const ActionRecord& order) const;

    SimMesh& mesh_;
    std::map<ActionId, Begun> begun_;
    std::map<std::pair<ActionId, VmId>, ActionId> open_;       ///< orders by plan and VM
    std::map<std::pair<ActionId, VmId>, ActionId> begun_once_; ///< what is never repeated
    /// By plan and worker: the boot in which what carries it was asked to go down.
    std::map<std::pair<ActionId, WorkerId>, BootId> boots_;
    std::set<ActionId> cancelled_; ///< plans
    std::set<ActionId> ended_;     ///< what is no order of a plan
};

} // namespace ctys::sim
