#pragma once

#include "agent/core/work.h"

#include <map>
#include <set>

namespace ctys::agent {

/// Which owners of foreign VMs have a shutdown command configured (agent.toml [owner.*]).
using OwnerCommands = std::set<Owner>;

/// Acts on running VMs: shutdown and kill by the ladder, pause, resume, reset, reboot.
///
///     verb     | done when                         | refused when
///     shutdown | the process has ended             | nothing can ask it
///     kill     | the process has ended             | -
///     pause    | the monitor says paused           | no monitor
///     resume   | the monitor says running          | no monitor
///     reset    | the monitor took it               | no monitor
///     reboot   | the guest ended and runs again    | no monitor
class Control {
public:
    Control(Instances& instances, WorkTable& works, OwnerCommands owners)
        : instances_(instances), works_(works), owners_(std::move(owners)) {}

    /// Can it be begun? Errors: Conflict.
    [[nodiscard]] Status check(const Action& action, const Instance& instance) const;
    /// It would be refused for nothing but the lack of a monitor, which may still come.
    [[nodiscard]] bool awaits_monitor(const Action& action, const Instance& instance) const;
    /// Begins an action that was checked; its intent is written. Its deadline counts from `asked`.
    void begin(Turn& turn, const Action& action, Instance& instance, Instant asked);
    void cancel(Turn& turn, ActionId action);
    /// Ends a VM whose start was given up: nothing is lost by it, so it is not asked.
    void abandon(Turn& turn, Instance& instance);

    void on_timer(Turn& turn, const InstanceKey& key);
    void on_reply(Turn& turn, const MonitorReply& reply);
    void on_event(Turn& turn, Instance& instance, const MonitorEvent& event);
    void on_monitor_lost(const InstanceKey& key);
    void on_monitor_back(const InstanceKey& key);
    void on_owner_command(Turn& turn, const OwnerCommandEnded& ended);
    /// Called before the instance is forgotten.
    void on_exit(Turn& turn, const Instance& instance, const Ending& ending);

    /// The instance is being ended or rebooted here: its state is said by that.
    [[nodiscard]] bool owns(const InstanceKey& key) const {
        return descents_.contains(key) || reboots_.contains(key);
    }
    /// Sends a monitor command outside of any ladder; the number finds its reply.
    std::uint64_t command(Turn& turn, const InstanceKey& key, Monitor command, ActionId action);

private:
    struct Descent {
        Ladder ladder;
        std::vector<ActionId> actions; ///< all that wait for the end
        ActionId by;                   ///< the one that cuts
        std::optional<Duration> deadline;
        Instant begun;
    };
    enum class Reboot : std::uint8_t { Arming, Asked, Restarting };
    struct Rebooting {
        ActionId action;
        Reboot phase = Reboot::Arming;
        std::optional<Instant> cut_at;
        Instant give_up_at;
    };

    void begin_ending(Turn& turn, const Action& action, Instance& instance, Instant asked);
    void join(Turn& turn, const Action& action, Instance& instance, Instant asked);
    static void
    announce_cut(Turn& turn, const Instance& instance, const Action& action, Duration left);
    void climb(Turn& turn, Instance& instance);
    void use(Turn& turn, Instance& instance, Rung rung, ActionId action);
    void give_up(Turn& turn, Instance& instance, ErrorCode code, const std::string& why);
    static void arm_reboot(Turn& turn, const InstanceKey& key, const Rebooting& reboot);
    void advance_reboot(Turn& turn, Instance& instance, Rebooting& reboot, Reboot to);
    void fail_all(Turn& turn, const InstanceKey& key, const Error& error);

    Instances& instances_;
    WorkTable& works_;
    OwnerCommands owners_;
    std::map<InstanceKey, Descent> descents_;
    std::map<InstanceKey, Rebooting> reboots_;
    struct Sent {
        InstanceKey key;
        ActionId action; ///< none: of a ladder
        Monitor command = Monitor::QueryStatus;
    };
    std::map<std::uint64_t, Sent> sent_;
    std::uint64_t last_number_ = 0;
};

} // namespace ctys::agent
