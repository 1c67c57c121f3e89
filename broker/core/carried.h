#pragma once

#include "broker/core/dispatcher.h"
#include "broker/core/fold.h"
#include "mesh/core/stack.h"

#include <map>

namespace ctys::broker {

/// What becomes of a VM that carries workers becomes of all they run (DESIGN: Stacks). Only
/// unambiguous edges act: those of a StackGraph over the claims to one platform UUID, without
/// circles further out. Per worker inside, and what happens to the VM that carries it:
///
///     worker            | carrier ended or was reset | paused, suspended, frozen | goes on
///     alive, suspect    | lost at once, ends its VMs | paused, freezes its VMs   | -
///     paused            | lost at once, ends its VMs | -                         | suspect, thaws
///     lost              | ends its VMs               | as alive, if any VM lives | -
///     heard after it    | in doubt                   | -                         | -
///
///     in doubt          | heard 2 s later: it lives on | silent for 3 s: lost, as above
///     paused            | heard 2 s later, or says hello: alive, thaws
///     silent for 3 s    | carrier known to stand: paused; to have ended since: lost, as above
///
/// What befell a boot before the one that calls now is no news. "Heard after it" means late news (a
/// host that was cut off tells of a VM that runs again since), clocks that differ, or a clone. An
/// end that nobody saw waits for that silence too, where the worker was heard a moment ago. What
/// was silent when the broker began is judged after 10 s.
///
/// Ends are by the host, of reason carrier-ended or carrier-reset, unverified until the worker
/// itself tells what it runs; leases end as with any exit. An agent that lives on after all says
/// hello again, and its full exchange raises what was ended: shown as a conflict where it was
/// started elsewhere meanwhile. One event per VM; whoever it carries follows in the same step.
class Carried {
public:
    Carried(Folder& folder, Roster& roster, Leases& leases, Dispatcher& dispatcher)
        : folder_(folder), roster_(roster), leases_(leases), dispatcher_(dispatcher) {}

    /// Acts on what the folder noted in this step.
    void settle(Turn& turn);
    /// A worker that was paused has been heard.
    void on_heard(Turn& turn, const Member& member);
    /// Before the roster's: it judges silence without knowing of carriers.
    void on_tick(Turn& turn);

private:
    struct Doubt {
        CarrierChange change;
        Instant since;
    };

    void apply(Turn& turn, const CarrierChange& change);
    /// Workers inside the VM; none where that is ambiguous. `worker` is where it runs or ran.
    [[nodiscard]] std::vector<WorkerId>
    workers_in(Turn& turn, const VmId& vm, const WorkerId& worker) const;
    /// The VM that carries the worker, and where that runs or ran; none.
    [[nodiscard]] std::pair<VmId, WorkerId> carrier_of(Turn& turn, const WorkerId& worker) const;
    [[nodiscard]] StackGraph
    graph_of(Turn& turn, const Uuid& platform, const VmId& vm, const WorkerId& ran_on) const;
    void on_silence(Turn& turn, Member& member);
    void end(Turn& turn, Member& member, const CarrierChange& change);
    void stop(Turn& turn, Member& member, const std::string& text);
    void resolve_doubts(Turn& turn);

    Folder& folder_;
    Roster& roster_;
    Leases& leases_;
    Dispatcher& dispatcher_;
    std::map<WorkerId, Doubt> doubts_;
};

} // namespace ctys::broker
