#pragma once

#include "agent/core/snapshots.h"
#include "agent/core/suspension.h"

#include <functional>

namespace ctys::agent {

/// Stops the VMs of this machine because it goes down (DESIGN: Host shutdown); needs no broker.
///
///     state    | input                         | next
///     idle     | asked                         | stopping: what ran is remembered
///     stopping | asked again                   | an earlier deadline counts; it says what it
///              |                               | waits for
///              | a VM appears                  | it is one of them
///              | the last of them is final     | idle: told as done
///
/// One VM, by its ONSTOP:
///
///     state    | input                         | next
///     waiting  | it can be asked               | ending: ladder until its GRACE, else until the
///              |                               | deadline of the whole
///              | ONSTOP suspend                | suspending, for two thirds of that time
///              | QEMU is at a snapshot of it   | waiting: it hears nothing, nor can that be
///              |                               | called off; its GRACE begins afterwards
///              | - within two thirds of the    | waiting: with ONSTOP suspend it is suspended,
///              |   whole it is done            | within these two thirds
///              | - it is done later            | waiting: it is asked to end instead
///              | - the whole is over           | ending: cut
///              | ours, no monitor by then      | ending: cut
///              | not ours, no monitor in 6 s   | left
///              | ONSTOP kill                   | ending: cut at once, whoever started it
///              | ONSTOP leave; another agent's | spared
///     suspending | its process ends            | suspended
///              | its state cannot be saved     | waiting: it is asked to end instead
///              | its deadline                  | ending: cut
///     ending   | its process ends              | ended, or cut where its guest did not do it
///              | the ladder gives up           | left, or stuck
///     ended, cut, left, spared, stuck, suspended: final
class GuestsStop {
public:
    /// A free monitor of a foreign VM is found within this time, after a start of the agent too.
    static constexpr Duration foreign_patience = std::chrono::seconds{6};
    static constexpr Duration sign_of_life = std::chrono::seconds{1};
    static constexpr Duration reminder = std::chrono::seconds{10};
    /// Of a VM: from its deadline to the end of the last rung, and some.
    static constexpr Duration after_deadline = std::chrono::seconds{25};

    /// What a configuration of this machine says of the VM; nullptr where there is none.
    using FindVm = std::function<const VmRecord*(const InstanceRecord&)>;

    /// `memory` is changed by a stop, and written with it.
    GuestsStop(Instances& instances,
               Control& control,
               Suspension& suspension,
               const Snapshots& snapshots,
               HostMemory& memory,
               FindVm find_vm)
        : instances_(instances), control_(control), suspension_(suspension), snapshots_(snapshots),
          memory_(memory), find_vm_(std::move(find_vm)) {}

    [[nodiscard]] bool is_active() const { return active_; }
    /// `deadline` counts from now.
    void ask(Turn& turn, const std::string& why, Duration deadline);
    /// A VM was started since the last stop: the next one remembers anew.
    void on_started() { remembers_ = false; }
    /// Called with the instance as it was; `saved`: its state is on disk.
    void on_exit(const Instance& instance, const Ending& ending, bool saved);
    void on_timer(Turn& turn);
    /// After every input: decides about each VM from how it stands now.
    void review(Turn& turn);

private:
    enum class State : std::uint8_t {
        Waiting,
        Suspending,
        Ending,
        Ended,
        Cut,
        Left,
        Spared,
        Stuck,
        Suspended
    };
    struct Guest {
        State state = State::Waiting;
        std::string label;
        OnStop policy = OnStop::Shutdown;
        std::optional<Duration> grace;
        Instant seen;
        Instant cut_at;              ///< also of one that was not asked yet
        bool was_suspending = false; ///< and could not: it is asked to end
        bool is_at_snapshot = false;
        bool was_at_snapshot = false;
    };
    static bool is_final(State state) { return state >= State::Ended; }

    void begin(Turn& turn, const std::string& why, Duration deadline);
    void hasten(Turn& turn, Instant until);
    void remember(Turn& turn);
    Guest& admit(Turn& turn, const Instance& instance);
    void decide(Turn& turn, Guest& guest, Instance& instance);
    void choose_end(Turn& turn, Guest& guest, Instance& instance);
    /// True: QEMU is at a snapshot of it, and that is waited for.
    bool wait_for_snapshot(Turn& turn, Guest& guest, Instance& instance);
    /// What it may take to save it: none is left where a snapshot took too long.
    [[nodiscard]] Duration save_limit(const Guest& guest, const Turn& turn) const;
    /// True: that is what becomes of it.
    bool suspend(Turn& turn, Guest& guest, Instance& instance);
    void watch_suspension(Turn& turn, Guest& guest, Instance& instance);
    void fall_back(Turn& turn, Guest& guest, Instance& instance, const Error& why);
    void end(Turn& turn, Guest& guest, Instance& instance, bool ask);
    void leave(Turn& turn, Guest& guest, const Instance& instance, State as, std::string why);
    void finish(Turn& turn);
    void tell(Turn& turn, bool done = false, std::optional<Error> error = {});
    void remind(const Turn& turn);
    [[nodiscard]] std::size_t count(State state) const;
    [[nodiscard]] std::size_t waiting() const {
        return count(State::Waiting) + count(State::Suspending) + count(State::Ending);
    }

    Instances& instances_;
    Control& control_;
    Suspension& suspension_;
    const Snapshots& snapshots_;
    HostMemory& memory_;
    FindVm find_vm_;
    bool active_ = false;
    bool remembers_ = false; ///< memory_.ran is of a stop since which nothing was started
    Instant begun_;
    Instant until_;
    Instant remind_at_;
    std::map<InstanceKey, Guest> guests_;
    std::vector<std::string> lines_; ///< not told yet
};

} // namespace ctys::agent
