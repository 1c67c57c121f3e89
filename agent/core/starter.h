#pragma once

#include "agent/core/control.h"

#include <map>

namespace ctys::agent {

/// Starts VMs (DESIGN: Launcher). States of one start:
///
///     state     | input                          | next
///     checking  | --check ok                     | launching: the wrapper runs
///               | --check failed                 | ended: failed, with its words
///     launching | QEMU of this VM dials in       | confirming: asks the broker about the token
///               | wrapper ended, no QEMU         | ended: failed, with QEMU's own words
///     confirming| holds                          | resuming: cont
///               | does not hold                  | quitting, ended: conflict
///     resuming  | monitor says running           | ended: done
///     any       | 30 s                           | QEMU is ended if it is there; ended: failed
///     any       | process ended                  | ended: failed, by whom
class Starter {
public:
    static constexpr Duration limit = std::chrono::seconds{30};

    Starter(Instances& instances, WorkTable& works, Control& control)
        : instances_(instances), works_(works), control_(control) {}

    /// Errors: Conflict (lives already), Refused (wrapper anybody may write).
    [[nodiscard]] Status check(const Action& action, const PathRecord* path) const;
    void begin(Turn& turn, const Action& action, const PathRecord& path, const std::string& label);
    void withdraw(Turn& turn, ActionId action);

    void on_launch(Turn& turn, const LaunchEnded& ended);
    void on_appeared(const Instance& instance);
    /// True when the monitor belongs to a start: its state is told when the VM runs.
    bool on_monitor_up(Turn& turn, Instance& instance, const MonitorUp& up);
    void on_confirmed(Turn& turn, const msg::Confirmed& confirmed);
    void on_reply(Turn& turn, const MonitorReply& reply);
    void on_timer(Turn& turn, ActionId action);
    void on_exit(Turn& turn, const Instance& instance, const Ending& ending);
    /// The broker is reachable again: questions about tokens may have been lost.
    void on_online(Turn& turn);
    [[nodiscard]] bool is_starting(const VmId& vm) const;
    [[nodiscard]] bool owns(const InstanceKey& key) const;

private:
    enum class State : std::uint8_t { Checking, Launching, Confirming, Resuming };
    struct Start {
        State state = State::Checking;
        Action action;
        PathRecord path;
        std::string label;
        InstanceKey key; ///< from Confirming on
        std::uint64_t cont = 0;
    };

    Start* find_instance(const InstanceKey& key);
    void launch(Turn& turn, const Start& start, bool check_only);
    void ask(Turn& turn, const Start& start);
    void fail(Turn& turn, ActionId action, Error error);

    Instances& instances_;
    WorkTable& works_;
    Control& control_;
    std::map<ActionId, Start> starts_;
};

} // namespace ctys::agent
