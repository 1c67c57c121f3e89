#pragma once

#include "agent/core/state_job.h"

#include <map>

namespace ctys::agent {

/// Saves running VMs as snapshots of their disks, memory and devices, lets them go back to one, and
/// deletes them; keeps in the record of the VM what snapshots its disks hold.
///
///     state   | input                              | next
///     looking | disks are told, all can do it      | working: the job; saving and reverting it
///             |                                    | stands for that long, and is told as paused
///             | one cannot, the name is taken, is  | ended: conflict, not-found; nothing was done
///             | not there or not on every disk     |
///             | 15 s, cancel                       | ended; nothing was done
///     working | each 10 s                          | progress; the job is asked for
///             | job concluded or refused           | seeing: how it runs, what its disks hold
///             | 10 min                             | ended: timed-out; the job goes on
///     seeing  | disks are told, or 15 s            | ended: done, told as snapshot or reverted;
///             |                                    | or as the job did
///     adopted | its monitor is up                  | working: its job is asked for
///             | 10 min                             | ended: indeterminate
///     working | QEMU does not know the job of a    | seeing, and then: done where the disks hold
///     (again) | former life                        | what was asked for; else a revert is
///             |                                    | indeterminate, others may be asked for again
///     any     | process ended                      | ended: failed
///
/// QEMU stops the CPUs itself while it saves or loads, and lets them go on as they did before: who
/// was paused stays paused. Until then nobody else does anything to the VM but to kill it. A job
/// cannot be called off; one that ends after its action did is still told.
class Snapshots {
public:
    static constexpr Duration look_limit = std::chrono::seconds{15};
    static constexpr Duration work_limit = std::chrono::minutes{10};
    static constexpr Duration tick = std::chrono::seconds{10};

    Snapshots(Instances& instances, WorkTable& works, Control& control)
        : instances_(instances), works_(works), control_(control) {}

    /// What Control::check does not judge. Errors: Conflict (something is done to its snapshots).
    [[nodiscard]] Status check(const Instance& instance) const;
    /// Begins an action that was checked.
    void begin(Turn& turn, const Action& action, Instance& instance);
    /// What a former life of the agent had begun.
    void adopt(Turn& turn, const Instance& instance, const Action& action);
    void cancel(Turn& turn, ActionId action);

    /// What QEMU has just told of its disks: what has changed since is told.
    void take_disks(Turn& turn, Instance& instance, const std::vector<DiskFacts>& disks);
    void on_timer(Turn& turn, const InstanceKey& key);
    void on_reply(Turn& turn, const MonitorReply& reply);
    void on_job(Turn& turn, const InstanceKey& key, const std::string& job);
    void on_monitor_up(Turn& turn, const InstanceKey& key);
    void on_exit(Turn& turn, const InstanceKey& key, const Ending& ending);

private:
    enum class State : std::uint8_t { Looking, Working, Seeing, Adopted };
    struct Course {
        State state = State::Looking;
        Action action;
        bool is_adopted = false;
        bool is_over = false;    ///< its action has ended, the job goes on
        bool is_unknown = false; ///< QEMU did not know the job
        Instant begun;
        Instant until;
        std::uint64_t number = 0; ///< of the disks that are awaited
        JobWatch job;
        std::optional<Error> failure; ///< of the job
    };

    void open(Turn& turn, const Instance& instance, const Action& action);
    void wait(Turn& turn, const InstanceKey& key, Course& course, Duration limit);
    void look_at(Turn& turn, Instance& instance, Course& course, const MonitorReply& reply);
    void work(Turn& turn, Instance& instance, Course& course, StateJob job);
    void see(Turn& turn, const InstanceKey& key, Course& course);
    void judge(Turn& turn, Instance& instance, Course& course);
    void tell(Turn& turn, const Instance& instance, const Course& course);
    void fail(Turn& turn, const InstanceKey& key, Error error);
    void finish(Turn& turn, const InstanceKey& key, Outcome outcome);

    Instances& instances_;
    WorkTable& works_;
    Control& control_;
    std::map<InstanceKey, Course> courses_;
};

/// What these disks hold that can be gone back to, by name; what `ctys suspend` keeps is left out.
[[nodiscard]] std::vector<Snapshot> snapshots_of(const std::vector<DiskFacts>& disks);
/// The job for an action, from what the disks hold. Errors: Conflict, NotFound.
[[nodiscard]] Result<StateJob>
plan_job(const Action& action, const std::vector<DiskFacts>& disks, const std::string& label);

} // namespace ctys::agent
