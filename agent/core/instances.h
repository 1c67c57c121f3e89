#pragma once

#include "agent/core/turn.h"
#include "mesh/qemu/owner_handle.h"

#include <map>
#include <optional>
#include <set>

namespace ctys::agent {

/// One QEMU process on this machine, as the agent knows it.
struct Instance {
    InstanceRecord record;
    bool ours = false;        ///< started by this agent, now or in a former life
    bool adopted = false;     ///< ours, of a former life, and its monitor was not up since
    bool monitor = false;     ///< QMP is connected and was queried
    qemu::OwnerHandle handle; ///< what its owner calls it
    std::string last_stop;    ///< what we did to it last: a rung, for the event of its end
    ActionId last_action;     ///< on whose behalf
};

/// Its state is being saved, or is saved: it stands for that, and not because somebody paused it.
[[nodiscard]] inline bool is_being_suspended(const InstanceRecord& record) {
    return record.reason == reason::suspending || record.reason == reason::saved;
}

/// Every QEMU of the machine and its state. Emits an event for every change; decides nothing else.
class Instances {
public:
    [[nodiscard]] Instance* find(const InstanceKey& key);
    [[nodiscard]] const Instance* find_live(const VmId& vm) const;
    [[nodiscard]] const std::map<InstanceKey, Instance>& all() const { return instances_; }

    /// An adopted one is no news: no event.
    Instance& add(Turn& turn, InstanceRecord record, bool ours, bool adopted = false);
    /// Emits the change, unless state and reason are what they were.
    void set_state(Turn& turn,
                   Instance& instance,
                   VmState state,
                   std::string reason = {},
                   std::string by = {},
                   std::string text = {},
                   ActionId action = {});
    /// Something befell it that is no change of its state; the event says what, and by whom.
    void tell(Turn& turn, const Instance& instance, Event event);
    /// Facts changed, not the state.
    void changed(Turn& turn, const Instance& instance, std::string text);
    /// The ending in words: what the agent did to it, where that is what ended it.
    [[nodiscard]] static Ending explain(const Instance& instance, Ending ending);
    /// The process is gone: emits the end with its cause and forgets it. One whose state is on disk
    /// is told as suspended.
    void end(Turn& turn, const InstanceKey& key, Ending ending);
    /// It has ended in this life of the agent, and was told as suspended.
    [[nodiscard]] bool has_suspended(const InstanceKey& key) const {
        return saved_ends_.contains(key);
    }

private:
    static Event about(const Instance& instance, EventKind kind);
    static void keep(Turn& turn, const Instance& instance);

    static constexpr std::size_t remembered = 4096;

    std::map<InstanceKey, Instance> instances_;
    std::set<InstanceKey> saved_ends_;
};

} // namespace ctys::agent
