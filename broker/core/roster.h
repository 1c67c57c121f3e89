#pragma once

#include "broker/core/turn.h"
#include "mesh/core/worker.h"

#include <map>
#include <optional>
#include <set>

namespace ctys::broker {

/// A worker as the broker sees it at this moment.
struct Member {
    WorkerRecord record;
    std::optional<PeerId> peer; ///< set while an agent speaks for it
    Instant heard;              ///< last message of that agent
    Instant paused;             ///< while Paused: when that became known
    bool exchanging = false;    ///< a full exchange was asked for and has not ended

    struct Named {
        std::set<std::string> paths; ///< by configuration
        std::set<std::pair<VmId, InstanceKey>> instances;
    };
    Named named; ///< what the running full exchange has named so far

    struct Challenger {
        PeerId peer;
        std::uint64_t correlation = 0;
        msg::AgentHello hello;
        Instant since;
    };
    NonceId refused; ///< the last one that was told to be a duplicate: recorded once
    Instant refused_at;
    std::optional<Challenger> challenger; ///< a second process that claims to be this worker

    [[nodiscard]] bool reachable() const {
        return peer.has_value() && record.state != WorkerState::Lost &&
               record.state != WorkerState::Paused;
    }
};

/// Who is there, and how well. States of a worker:
///
///     state    | heard        | 3 s silence | 10 s silence | hello, new process
///     alive    | -            | suspect     | lost         | challenge the old one
///     suspect  | alive        | -           | lost         | challenge the old one
///     lost     | alive        | -           | -            | accept
///     paused   | alive, if 2 s after the pause | -  | -    | challenge the old one
///
/// An agent that says farewell is suspect at once, and told as ended: nobody speaks for it any
/// more. A new process with the name of a live worker is challenged like one with its identity.
///
/// What carries a worker tells of it too (Carried): its pause makes it paused, its resumption
/// suspect until it is heard, its end lost; whoever speaks for it then has to say hello again.
///
/// A challenged process that answers within one second wins and the newcomer is refused as a
/// duplicate; a silent or unreachable one is superseded (DESIGN: Identity).
///
/// A worker that the store knows and that was not lost is settling when a life of the broker
/// begins: what the inventory says of it is as old as the last life.
///
///     state    | hello | its exchange ended | lost, fenced, forgotten | 10 s since this life began
///     settling | -     | settled            | settled                 | settled
///
/// A journal that was put back from a backup may lack leases as well: it is doubtful until nobody
/// is settling any more.
class Roster {
public:
    static constexpr Duration suspect_after = std::chrono::seconds{3};
    static constexpr Duration lost_after = std::chrono::seconds{10};
    static constexpr Duration challenge_time = std::chrono::seconds{1};
    /// A refused agent says hello again each four seconds at least.
    static constexpr Duration rival_gone = std::chrono::seconds{12};
    /// What a machine said before it stood still may come so much later.
    static constexpr Duration under_way = std::chrono::seconds{2};

    /// `doubtful`: the journal was put back from a backup and not yet compared with its workers.
    void load(std::vector<WorkerRecord> workers, bool doubtful, Now now);

    [[nodiscard]] Member* find(const WorkerId& id);
    [[nodiscard]] const Member* find(const WorkerId& id) const;
    [[nodiscard]] Member* find_peer(const PeerId& peer);
    /// Of a worker that is not known, its id.
    [[nodiscard]] std::string name_of(const WorkerId& id) const;
    /// By its id or name, else by the host it is on, if it is the only one there. Errors: NotFound,
    /// Ambiguous (listing the candidates).
    [[nodiscard]] Result<const Member*> require_name(std::string_view name) const;
    /// The worker that the w: of an address names; none without one. Errors: as require_name().
    [[nodiscard]] Result<std::optional<WorkerId>>
    require_worker(const std::optional<std::string>& name) const;
    [[nodiscard]] const std::map<WorkerId, Member>& members() const { return members_; }

    /// Several workers stand on the machine with this boot id, and see the same processes.
    [[nodiscard]] bool is_shared(const BootId& boot) const;

    /// A hello of an agent. Returns the member when it is accepted now; otherwise it was refused or
    /// waits for the outcome of a challenge.
    Member* on_hello(Turn& turn,
                     const PeerId& peer,
                     std::uint64_t correlation,
                     const msg::AgentHello& hello);
    /// Its agent ends in order.
    void on_farewell(Turn& turn, Member& member);
    /// Any message of a registered agent proves that it lives.
    void on_heard(Turn& turn, Member& member);
    /// ZeroMQ knows no such connection any more: the process behind it has ended or is cut off.
    /// Returns a member whose challenger takes over now.
    std::optional<Member::Challenger> on_unreachable(const PeerId& peer);
    /// Pings, ages and settles challenges; returns the hellos that are accepted now.
    std::vector<Member::Challenger> on_tick(Turn& turn);
    /// This broker itself did nothing for a while: that was nobody's silence.
    void excuse(Duration gap, Now now);

    /// The worker has told everything it runs.
    void on_exchanged(Turn& turn, const Member& member);
    [[nodiscard]] bool is_settling(const WorkerId& id) const { return settling_.contains(id); }
    /// Settling, or its agent has just gone and is not lost yet: it may be about to call again.
    [[nodiscard]] bool is_awaited(const WorkerId& id) const;
    [[nodiscard]] bool is_doubtful() const { return doubtful_; }

    /// Workers whose machine says that this is its UUID; several agents may stand on one machine.
    [[nodiscard]] const std::set<WorkerId>& claims(const Uuid& platform) const;
    using Facts = std::vector<std::pair<std::string, std::string>>;
    /// The VM that carries it has ended or was reset: nobody speaks for it any more.
    void lose(Turn& turn, Member& member, std::string text, Facts facts);
    void pause(Turn& turn, Member& member, std::string text);
    /// What carries it runs again: it has as long to be heard as one that has just called.
    void resume(Turn& turn, Member& member, std::string text);

    void forget(Turn& turn, const WorkerId& id, const std::string& by, const std::string& reason);
    /// Whoever speaks for the worker has to say hello again.
    void disconnect(Member& member);

private:
    Member* accept(Turn& turn, const PeerId& peer, const msg::AgentHello& hello);
    /// Who is live and would be taken for this newcomer.
    Member* find_rival(const PeerId& peer, const WorkerRecord& newcomer);
    void set_state(Turn& turn, Member& member, WorkerState state);
    void
    set_state(Turn& turn, Member& member, WorkerState state, std::string text, Facts facts = {});
    void claim(const WorkerId& id, const Uuid& before, const Uuid& platform);
    void settle(Turn& turn, const WorkerId& id);

    std::map<WorkerId, Member> members_;
    std::map<PeerId, WorkerId> peers_;
    std::map<Uuid, std::set<WorkerId>> claims_; ///< by platform UUID
    Instant begun_;
    std::set<WorkerId> settling_;
    bool doubtful_ = false;
};

} // namespace ctys::broker
