#pragma once

#include "agent/core/work.h"

#include <map>

namespace ctys::agent {

/// Starts by hand: a person runs a wrapper, which asks this agent for the right to run the VM, and
/// the agent asks the broker for the lease (DESIGN: VM directories). States of one:
///
///     state   | input                       | next
///     asking  | broker grants               | granted: intent written, the wrapper is told
///             | broker refuses              | ended: the wrapper is told who holds it
///             | 5 s, or no broker           | local pool: granted without a lease; else refused
///             | the wrapper is gone         | ended; a late grant is given back
///     granted | QEMU of this VM appears     | ended: done, the instance holds the lease
///             | the wrapper is gone         | waning
///     waning  | QEMU of this VM appears     | ended: done
///             | 3 s                         | ended: failed, the lease is free
class HandStarts {
public:
    static constexpr Duration broker_patience = std::chrono::seconds{5};
    /// Discovery polls each second: a QEMU that lost its parent is found by then.
    static constexpr Duration last_look = std::chrono::seconds{3};
    static constexpr std::size_t most = 64;

    HandStarts(Instances& instances, WorkTable& works) : instances_(instances), works_(works) {}

    /// `path` is what the configuration is here, if it is known. `is_starting`: an action of ours
    /// starts this VM.
    void on_asked(Turn& turn,
                  const HandStartAsked& asked,
                  const PathFacts* path,
                  bool online,
                  bool is_starting);
    static void refuse(Turn& turn, const HandStartAsked& asked, std::string why);
    /// Whose wrappers were not told yet that they may start.
    void refuse_all(Turn& turn, const std::string& why);
    void on_grant(Turn& turn, const msg::HandGrant& grant);
    /// The broker could not take the request of this number. False: it is not one of these.
    bool on_failure(Turn& turn, std::uint64_t correlation);
    void on_timer(Turn& turn, ActionId action);
    void on_caller_gone(Turn& turn, std::uint64_t caller);
    /// Called before a new process is told: it is the one that was granted.
    void recognise(InstanceRecord& record) const;
    void on_appeared(Turn& turn, const Instance& instance);
    [[nodiscard]] bool is_starting(const VmId& vm) const;

private:
    enum class State : std::uint8_t { Asking, Granted, Waning };
    struct Start {
        State state = State::Asking;
        std::uint64_t caller = 0;
        Action action;
        std::string label;
        bool on_shared = false;
    };
    using Answer = msg::HandGrant::Answer;

    static void answer(Turn& turn, const Start& start, Answer answer, std::string reason);
    /// `was_asked`: the broker may have granted it, and open an action.
    void go_alone(Turn& turn, ActionId action, bool was_asked);

    Instances& instances_;
    WorkTable& works_;
    std::map<ActionId, Start> starts_;
};

} // namespace ctys::agent
