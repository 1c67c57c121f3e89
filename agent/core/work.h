#pragma once

#include "agent/core/instances.h"

#include <map>
#include <set>

namespace ctys::agent {

/// An action that this agent has begun. Its intent is durable before anything is done.
struct Work {
    Action action;
    std::string label;
    InstanceKey instance; ///< what it acts on; of a start: known once QEMU is there
    Instant begun;
};

/// The actions under way and those that were: the dedup table (DESIGN: Intents). What a former life
/// of the agent had begun is settled from what is observed, or ends as indeterminate.
class WorkTable {
public:
    static constexpr std::size_t remembered = 4096;

    [[nodiscard]] Work* find(ActionId id);
    [[nodiscard]] msg::CommandStatus::Known known(ActionId id) const;

    Work& begin(Turn& turn, const Action& action, std::string label, const InstanceKey& instance);
    /// What a former life had begun: to be ended, not to be announced again.
    void adopt(const Action& action, std::string label, const InstanceKey& instance);
    void progress(Turn& turn, const Work& work, std::string text);
    void end(Turn& turn, ActionId id, Outcome outcome);
    /// Refused or withdrawn before it began: it never will.
    void refuse(ActionId id);
    /// A former life has ended it, and its event is still to be told.
    void know_ended(ActionId id) { remember(id); }
    /// No event tells of it.
    [[nodiscard]] bool was_refused(ActionId id) const { return refused_.contains(id); }
    [[nodiscard]] const std::map<ActionId, Work>& all() const { return works_; }

private:
    bool remember(ActionId id);
    static Event about(const Work& work, EventKind kind, std::string text);

    std::map<ActionId, Work> works_;
    std::set<ActionId> ended_;
    std::set<ActionId> refused_; ///< of the ended ones
    std::vector<ActionId> ended_order_;
};

} // namespace ctys::agent
