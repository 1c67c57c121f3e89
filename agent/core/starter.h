#pragma once

#include "agent/core/suspension.h"

#include <map>

namespace ctys::agent {

/// Starts VMs (DESIGN: Launcher). States of one start:
///
///     state     | input                          | next
///     awaiting  | its note is written or away    | launching: the wrapper runs
///     launching | QEMU of this VM dials in       | confirming: asks the broker about the token
///               | wrapper refused it, or ended   | ended: as its status says, with its or QEMU's
///               |                                | own words
///     confirming| holds, or it has no lease      | resuming: cont; with a loaded state: taking
///               | does not hold                  | quitting, ended: conflict
///     taking    | note of the state is away      | resuming: cont
///               | it cannot be taken away        | quitting, ended: failed
///     resuming  | monitor says running           | ended: done; with a state that was loaded or
///               |                                | discarded when its snapshot is deleted, too
///     any       | 30 s; 10 minutes, with a state | QEMU is ended if it is there; ended: failed
///               | that QEMU loads before it dials|
///               | in; 15, with a target that is  |
///               | prepared before QEMU begins    |
///     any       | process ended                  | ended: failed, by whom
///
/// Up to `cont` a start that has loaded a state may fail as often as it likes: the state stays.
class Starter {
public:
    static constexpr Duration limit = std::chrono::seconds{30};
    /// More than all limits that ctys-qemu-call has for a target: it tells which of them it was.
    static constexpr Duration install_limit = std::chrono::minutes{15};

    Starter(Instances& instances, WorkTable& works, Control& control, Suspension& suspension)
        : instances_(instances), works_(works), control_(control), suspension_(suspension) {}

    /// Errors: Conflict (lives already), Refused (wrapper anybody may write).
    [[nodiscard]] Status check(const Action& action, const PathRecord* path) const;
    void begin(Turn& turn, const Action& action, const PathRecord& path, const std::string& label);
    void withdraw(Turn& turn, ActionId action);
    void give_up_all(Turn& turn, const std::string& why);

    void on_launch(Turn& turn, const LaunchEnded& ended);
    void on_appeared(Turn& turn, const Instance& instance);
    /// True when the monitor belongs to a start: its state is told when the VM runs.
    bool on_monitor_up(Turn& turn, Instance& instance, const MonitorUp& up);
    void on_confirmed(Turn& turn, const msg::Confirmed& confirmed);
    void on_noted(Turn& turn, const StateNoted& noted);
    void on_reply(Turn& turn, const MonitorReply& reply);
    void on_timer(Turn& turn, ActionId action);
    void on_exit(Turn& turn, const Instance& instance, const Ending& ending);
    /// The broker is reachable again: questions about tokens may have been lost.
    void on_online(Turn& turn);
    [[nodiscard]] bool is_starting(const VmId& vm) const;
    [[nodiscard]] bool owns(const InstanceKey& key) const;

private:
    enum class State : std::uint8_t { Awaiting, Launching, Confirming, Taking, Resuming };
    struct Start {
        State state = State::Awaiting;
        Action action;
        PathRecord path;
        std::string label;
        InstanceKey key;          ///< from Confirming on
        std::uint64_t number = 0; ///< of the note that is taken away, then of cont
        bool loads = false;       ///< its QEMU has loaded a state
    };

    Start* find_instance(const InstanceKey& key);
    void launch(Turn& turn, Start& start);
    /// For what it waits for now.
    [[nodiscard]] Duration patience(const Start& start) const;
    [[nodiscard]] bool has_asked(const Start& start) const;
    void wait(Turn& turn, const Start& start) const;
    void confirm(Turn& turn, Start& start);
    void take_state(Turn& turn, Start& start);
    void resume(Turn& turn, Start& start);
    void fail(Turn& turn, ActionId action, Error error);

    Instances& instances_;
    WorkTable& works_;
    Control& control_;
    Suspension& suspension_;
    std::map<ActionId, Start> starts_;
};

} // namespace ctys::agent
