#pragma once

#include "agent/core/state_job.h"

#include <map>

namespace ctys::agent {

/// Saves the state of running VMs into their images and ends them (`ctys suspend`), and deletes
/// what was saved from the images of those that run again.
///
///     state      | input                               | next
///     looking    | disks are told, all can keep state  | clearing: snapshot-delete of our tag
///                | one of them cannot                  | ended: conflict; nothing was done
///     clearing   | job concluded                       | stopping; of a deletion alone: ended
///                | job failed                          | ended: failed; nothing was done
///     stopping   | CPUs stand                          | saving: snapshot-save
///     saving     | job concluded                       | noting: the note beside the configuration
///     noting     | the note is durable                 | quitting
///     quitting   | process ended                       | ended: done; told as suspended
///                | 10 s                                | cutting: the ladder from quit to SIGKILL
///     cutting    | process ended                       | ended: done; told as suspended
///                | 30 s                                | ended: stuck
///     stopping, saving, noting
///                | refused, failed, deadline, cancel   | returning, with the reason
///     returning  | note is away, then: the VM runs     | ended with the reason; its snapshot is
///                |                                     | deleted by a deletion that nobody awaits
///                | 60 s                                | ended with the reason: it stands paused
///     adopted    | its monitor is up, state was saved  | quitting
///                | its monitor is up, else             | returning: "its agent was restarted"
///                | 60 s                                | its action is indeterminate; the
///                |                                     | suspension still waits
///     any        | process ended                       | ended: done if its state was saved
///
/// The order is what makes it safe. The note says that a state is to be loaded; it is written when
/// the state is saved and the CPUs stand, and it is durably away before they may move again. So no
/// start ever goes back in time, whoever crashes.
class Suspension {
public:
    /// Of a suspension without a deadline: a large VM on slow storage takes minutes.
    static constexpr Duration save_limit = std::chrono::minutes{10};
    static constexpr Duration clear_limit = std::chrono::minutes{1};
    static constexpr Duration note_limit = std::chrono::seconds{20};
    static constexpr Duration quit_limit = std::chrono::seconds{10};
    static constexpr Duration stuck_limit = std::chrono::seconds{30};
    static constexpr Duration return_limit = std::chrono::seconds{60};
    static constexpr Duration return_again = std::chrono::seconds{5};

    Suspension(Instances& instances, WorkTable& works, Control& control)
        : instances_(instances), works_(works), control_(control) {}

    /// What Control::check does not judge: is something done to its snapshots? Errors: Conflict.
    [[nodiscard]] Status check(const Instance& instance) const;
    /// Begins an action that was checked. Its deadline counts from `asked`: without a saved state
    /// by then the VM goes on.
    void begin(Turn& turn, const Action& action, Instance& instance, Instant asked);
    /// Because its machine goes down; no action waits. What is under way goes on, within `limit`.
    void begin_for_host(Turn& turn, Instance& instance, Duration limit);
    /// Deletes the snapshot of a VM that runs again; then `action`, a start, ends with `text`.
    void clear(Turn& turn, Instance& instance, ActionId action, std::string text);
    /// What a former life of the agent had begun.
    void adopt(Turn& turn, Instance& instance, ActionId action);
    void cancel(Turn& turn, ActionId action);
    /// It is to be killed, or is asked to end, by somebody else. Errors: Conflict, when its state
    /// is being noted or noted: it ends by itself.
    [[nodiscard]] Status overtake(Turn& turn, const InstanceKey& key, const std::string& by);
    /// Writes the note of a saved state, or takes it away, and remembers that until it is done.
    void put_note(Turn& turn, const InstanceRecord& record, std::uint64_t number, bool saved);
    /// A note of this configuration is under way: what is started before that is done reads either.
    [[nodiscard]] bool is_noting(const std::string& config) const {
        return notes_.contains(config);
    }
    /// Its state is being saved, or given up.
    [[nodiscard]] bool holds(const InstanceKey& key) const;
    /// Why a suspension for the host has failed, told once.
    [[nodiscard]] std::optional<Error> take_host_failure(const InstanceKey& key);

    void on_timer(Turn& turn, const InstanceKey& key);
    void on_reply(Turn& turn, const MonitorReply& reply);
    void on_job(Turn& turn, const InstanceKey& key, const std::string& job);
    void on_noted(Turn& turn, const StateNoted& noted);
    void on_monitor_up(Turn& turn, const InstanceKey& key);
    /// Called before the instance is forgotten, `saved` as it is told.
    void on_exit(Turn& turn, const Instance& instance, const Ending& ending, bool saved);

private:
    enum class State : std::uint8_t {
        Looking,
        Clearing,
        Stopping,
        Saving,
        Noting,
        Quitting,
        Cutting,
        Returning,
        Adopted
    };
    struct Course {
        State state = State::Looking;
        bool only_clears = false;
        bool for_host = false;
        bool was_running = true;
        bool may_be_noted = false; ///< of Returning: the note must go first
        ActionId action;           ///< that waits; none
        std::string by;
        std::string text; ///< of a deletion: what its start says
        Instant begun;
        Instant until;
        std::uint64_t number = 0; ///< of the reply or note that is awaited
        JobWatch job;
        std::vector<std::string> nodes;
        Error why; ///< of Returning
    };

    void open(Turn& turn, const Instance& instance, Course course, Duration limit);
    void wait(Turn& turn, const InstanceKey& key, Course& course, Duration limit);
    void look_at(Turn& turn, const Instance& instance, Course& course, const MonitorReply& reply);
    void run_job(Turn& turn, const InstanceKey& key, Course& course, Monitor command);
    void judge_job(Turn& turn, Instance& instance, Course& course, const MonitorReply& reply);
    void stop(Turn& turn, Instance& instance, Course& course);
    void note(Turn& turn, const Instance& instance, Course& course, bool saved);
    void quit(Turn& turn, Instance& instance, Course& course);
    void give_back(Turn& turn, const Instance& instance, Course& course, Error why);
    void go_on(Turn& turn, const Instance& instance, Course& course);
    void returned(Turn& turn, Instance& instance, Course& course);
    void stay(Turn& turn, Instance& instance, Course& course);
    void fail(Turn& turn, const InstanceKey& key, Error error);
    void finish(Turn& turn, const InstanceKey& key, Outcome outcome);
    std::uint64_t send(Turn& turn, const InstanceKey& key, Monitor command, StateJob job = {});

    Instances& instances_;
    WorkTable& works_;
    Control& control_;
    std::map<InstanceKey, Course> courses_;
    std::map<InstanceKey, Error> host_failures_;
    std::map<std::string, std::uint32_t> notes_; ///< under way, by configuration
    std::uint64_t last_job_ = 0;
};

} // namespace ctys::agent
