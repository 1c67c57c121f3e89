#pragma once

#include "agent/core/work.h"
#include "mesh/core/order_check.h"

#include <map>

namespace ctys::agent {

/// Acts on running VMs: shutdown and kill by the ladder, pause, resume, reset, reboot.
///
///     verb     | done when                         | refused when
///     shutdown | the process has ended             | nothing can ask it; it stands paused (2)
///     kill     | the process has ended             | -
///     pause    | the monitor says paused           | no monitor
///     resume   | the monitor says running          | no monitor
///     reset    | the monitor took it               | no monitor
///     reboot   | the guest ended and runs again    | no monitor; it stands paused (2)
///     init     | its guest agent has run init      | no channel to one; it does not run
///     (2) an order of a plan resumes it first; one that always cuts does so at its deadline, as
///     does any with a deadline where the guest has panicked
///
/// Whether a VM can be suspended to disk is judged here, too; Suspension does it.
class Control {
public:
    /// Without any deadline, asking is given up then (UX.md).
    static constexpr Duration asked_patience = std::chrono::seconds{180};
    /// Orders that wait for the end of one VM; all are told when its power is cut (P8).
    static constexpr std::size_t most_joined = 64;

    Control(Instances& instances, WorkTable& works, OwnerCommands owners)
        : instances_(instances), works_(works), owners_(std::move(owners)) {}

    /// Can it be begun? Errors: Conflict, Overloaded (it is asked to end by too many already).
    [[nodiscard]] Status check(const Action& action, const Instance& instance) const;
    /// It would be refused for nothing but the lack of a monitor, which may still come.
    [[nodiscard]] bool awaits_monitor(const Action& action, const Instance& instance) const;
    /// Begins an action that was checked; its intent is written. Its deadline counts from `asked`.
    void begin(Turn& turn, const Action& action, Instance& instance, Instant asked);
    void cancel(Turn& turn, ActionId action);
    /// Ends a VM whose start was given up, or whose state is saved: nothing is lost by it, so it is
    /// not asked.
    void abandon(Turn& turn, Instance& instance, std::string why = "start given up");
    /// Ends a VM because its machine goes down; no action waits for it, and none can cancel it.
    /// What ends it already goes on; the earlier cut counts. `ask`: false cuts at once.
    void end_for_host(Turn& turn, Instance& instance, bool ask, Duration deadline);
    /// Why an end for the host was given up, told once. Codes: Stuck, TimedOut (it may not be cut),
    /// Failed (the command of its owner).
    [[nodiscard]] std::optional<Error> take_host_failure(const InstanceKey& key);
    /// Somebody asks it to end, or cuts it.
    [[nodiscard]] bool is_ending(const InstanceKey& key) const { return descents_.contains(key); }
    /// When its power is cut; nothing when it is not, or is already.
    [[nodiscard]] std::optional<Instant> cut_at(const InstanceKey& key) const;

    void on_timer(Turn& turn, const InstanceKey& key);
    void on_reply(Turn& turn, const MonitorReply& reply);
    void on_event(Turn& turn, Instance& instance, const MonitorEvent& event);
    void on_monitor_lost(const InstanceKey& key);
    void on_monitor_back(const InstanceKey& key);
    void on_owner_command(Turn& turn, const OwnerCommandEnded& ended);
    void on_guest_answered(Turn& turn, const GuestAnswered& answered);
    /// From now on these commands hold; rows that say how a VM can be asked are told anew.
    void use_owners(Turn& turn, OwnerCommands owners);
    /// Says in the record whether its owner can ask this VM to end, and by what, else why not.
    void tell_asking(InstanceRecord& record, const qemu::OwnerHandle& handle) const;
    /// Called before the instance is forgotten.
    void on_exit(Turn& turn, const Instance& instance, const Ending& ending);

    /// The instance is being ended or rebooted here: its state is said by that.
    [[nodiscard]] bool owns(const InstanceKey& key) const {
        return descents_.contains(key) || reboots_.contains(key) || reserved_.contains(key);
    }
    /// Another machine acts on it, and says its state: only a kill may come between. `why` is what
    /// others are told; whoever reserves it next takes it over.
    void reserve(const InstanceKey& key, std::string why) {
        reserved_.insert_or_assign(key, std::move(why));
    }
    /// Where it is still reserved for that.
    void release(const InstanceKey& key, std::string_view why) {
        const auto found = reserved_.find(key);
        if (found != reserved_.end() && found->second == why) reserved_.erase(found);
    }
    /// Of a reply or note; never used twice.
    [[nodiscard]] std::uint64_t next_number() { return ++last_number_; }
    /// Sends a monitor command outside of any ladder; the number finds its reply.
    std::uint64_t command(
        Turn& turn, const InstanceKey& key, Monitor command, ActionId action, StateJob job = {});

private:
    [[nodiscard]] Addressee addressee(const Instance& instance) const;
    /// Before it is asked, where check_order() allows that.
    void let_hear(Turn& turn, const Action& action, const Instance& instance);
    /// Why a VM is ended: an action, or its machine that goes down.
    struct Order {
        ActionId action; ///< none: of the host
        bool ask = true;
        std::optional<Duration> deadline; ///< from `asked`
        Instant asked;
        std::string by;
        std::string why;

        /// A process that is not ours is signalled too: somebody said that, or when, it is cut.
        [[nodiscard]] bool may_signal() const {
            return !ask || (deadline.has_value() && !action.is_none());
        }
        [[nodiscard]] std::optional<Instant> cut_at() const {
            return deadline ? std::optional{asked + *deadline} : std::nullopt;
        }
    };
    struct Descent {
        Ladder ladder;
        std::vector<Order> orders;        ///< all that wait for the end, in the order they came
        ActionId by;                      ///< the one that cuts, else the first
        bool asks = true;                 ///< `by` does, until its deadline
        std::optional<Duration> deadline; ///< of `by`
        Instant begun;
        [[nodiscard]] bool for_host() const;
        [[nodiscard]] std::vector<ActionId> actions() const;
        bool owner_asks = false;          ///< the command of its owner has not ended yet
        bool owner_asked = false;         ///< one has ended well
        std::uint64_t guest_question = 0; ///< to its guest agent; 0: none is open
        std::string guest_refusal = {};   ///< why the button comes after it; told once
    };
    enum class Reboot : std::uint8_t { Arming, Asked, Restarting };
    struct Rebooting {
        ActionId action;
        Reboot phase = Reboot::Arming;
        std::optional<Instant> cut_at;
        Instant give_up_at;
        std::uint64_t guest_question = 0; ///< to its guest agent; 0: none is open
    };

    void begin_ending(Turn& turn, Instance& instance, const Order& order);
    void join(Turn& turn, Instance& instance, const Order& order);
    void overtake_reboot(Turn& turn, const InstanceKey& key, const std::string& by);
    void leave(Turn& turn, Instance& instance, Descent& descent, ActionId action);
    static void announce_cut(Turn& turn,
                             const Instance& instance,
                             const Order& order,
                             std::optional<Instant> cut_at);
    static std::string still_asked_by(const Order& order);
    void climb(Turn& turn, Instance& instance);
    void use(Turn& turn, Instance& instance, Rung rung, ActionId action);
    /// The command line; nothing where one is under way, or none can be run any more.
    std::optional<std::string> ask_owner(Turn& turn, const Instance& instance);
    [[nodiscard]] bool is_asked_by_owner(const Instance& instance) const;
    void give_up(Turn& turn, Instance& instance, ErrorCode code, const std::string& why);
    static void arm_reboot(Turn& turn, const InstanceKey& key, const Rebooting& reboot);
    void advance_reboot(Turn& turn, Instance& instance, Rebooting& reboot, Reboot to);
    /// Returns the number of the question.
    std::uint64_t ask_guest(Turn& turn, AskGuest question);
    void enter_run_level(Turn& turn, const Action& action, const Instance& instance);
    [[nodiscard]] Outcome run_level_outcome(ActionId action, const GuestAnswered& answered);
    void fail_all(Turn& turn, const InstanceKey& key, const Error& error);

    Instances& instances_;
    WorkTable& works_;
    OwnerCommands owners_;
    std::map<InstanceKey, Descent> descents_;
    std::map<InstanceKey, Rebooting> reboots_;
    std::map<InstanceKey, std::string> reserved_; ///< with the reason
    std::map<InstanceKey, Error> host_failures_;
    struct Sent {
        InstanceKey key;
        ActionId action; ///< none: of a ladder
        Monitor command = Monitor::QueryStatus;
    };
    std::map<std::uint64_t, Sent> sent_;
    struct GuestWork {
        InstanceKey key;
        ActionId action;
    };
    std::map<std::uint64_t, GuestWork> guest_works_; ///< by the number of the question
    std::uint64_t last_number_ = 0;
};

} // namespace ctys::agent
