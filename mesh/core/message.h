#pragma once

#include "mesh/core/query.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ctys {

/// Version of the protocol this program speaks. Versions N and N-1 work together.
constexpr std::uint16_t protocol_version = 1;

/// Bytes that several owners keep and nobody changes: an encoded event travels from the agent to
/// the journal and every watcher without being built anew.
using SharedBytes = std::shared_ptr<const std::vector<std::byte>>;
[[nodiscard]] inline std::span<const std::byte> view(const SharedBytes& bytes) {
    return bytes ? std::span<const std::byte>{*bytes} : std::span<const std::byte>{};
}

namespace msg {

// ---- both ways -------------------------------------------------------------------------------

/// The broker sends one each second to every agent; `session` is its own monotonic clock.
struct Ping {
    Duration session{};

    bool operator==(const Ping&) const = default;
};
struct Pong {
    Duration session{}; ///< of the ping it answers

    bool operator==(const Pong&) const = default;
};
/// An answer to a request that failed, or a message that makes no sense here.
struct Failure {
    Error error;

    bool operator==(const Failure&) const = default;
};

// ---- agent -> broker -------------------------------------------------------------------------

struct AgentHello {
    WorkerRecord worker;          ///< identity and facts; state and mark are ignored
    StreamMark end;               ///< of the agent's stream: last sequence it has made durable
    std::uint64_t first_kept = 0; ///< oldest sequence its spool still has
    Cursor acknowledged;          ///< highest journal cursor the agent was ever told; {} for none
    std::uint64_t inventory_digest = 0; ///< over everything it would send in a full exchange

    bool operator==(const AgentHello&) const = default;
};

/// Consecutive events of one stream; `first` is the sequence of events[0].
struct Publish {
    StreamId stream;
    std::uint64_t first = 0;
    std::uint64_t hash_before = 0; ///< running hash before events[0]
    std::vector<SharedBytes> events;
    bool full = false; ///< part of a full exchange: the facts replace what the broker has
    bool last = false; ///< last batch of a full exchange: what was not named is gone

    bool operator==(const Publish&) const;
};

/// Answers CommandQuery: what the agent knows of an action.
struct CommandStatus {
    enum class Known : std::uint16_t { Never = 1, Running = 2, Ended = 3 };

    ActionId action;
    Known known = Known::Never;

    bool operator==(const CommandStatus&) const = default;
};

/// A refusal before an intent was written; everything later travels as events of the stream.
struct CommandRefused {
    ActionId action;
    Error error;

    bool operator==(const CommandRefused&) const = default;
};

/// "QEMU stands with -S and is mine to let run": asks the broker whether the token still holds.
struct Confirm {
    ActionId action;
    VmId vm;
    std::uint64_t token = 0;

    bool operator==(const Confirm&) const = default;
};

/// The agent will never start this action (answers Withdraw).
struct Withdrawn {
    ActionId action;

    bool operator==(const Withdrawn&) const = default;
};

/// The agent ends in order; what runs on its machine goes on. Not answered.
struct Farewell {
    bool operator==(const Farewell&) const = default;
};

// ---- broker -> agent -------------------------------------------------------------------------

struct Welcome {
    NonceId broker;     ///< one life of the broker: a change means "say hello again"
    Duration session{}; ///< the broker's clock
    StreamMark mark;    ///< what the broker has applied of this worker
    bool full = false;  ///< a full exchange is needed
    std::string version;

    bool operator==(const Welcome&) const = default;
};

/// Everything up to this sequence is durable at the broker, the last of it at this cursor.
struct Acknowledge {
    StreamId stream;
    std::uint64_t sequence = 0;
    std::uint64_t hash = 0;
    Cursor cursor;

    bool operator==(const Acknowledge&) const = default;
};

struct Command {
    Action action;
    Duration session{};                ///< the broker's clock when it was sent
    Duration expires{};                ///< by the broker's clock: not to be begun later
    std::vector<std::string> draining; ///< reserved for plans

    bool operator==(const Command&) const = default;
};

struct CommandQuery {
    ActionId action;

    bool operator==(const CommandQuery&) const = default;
};

struct Confirmed {
    ActionId action;
    bool holds = false;
    std::string reason; ///< when it does not

    bool operator==(const Confirmed&) const = default;
};

/// Gives up an action that may not have begun: the agent answers Withdrawn, or has begun it.
struct Withdraw {
    ActionId action;

    bool operator==(const Withdraw&) const = default;
};

/// "Cancel what you are doing for this action", e.g. a ladder that has not cut yet.
struct CancelCommand {
    ActionId action;

    bool operator==(const CancelCommand&) const = default;
};

/// Storage proof (DESIGN: Identity): make a nonce file below a pool, or look for one.
struct ProveStorage {
    PoolId pool;
    std::string root;
    std::string nonce;
    bool write = false; ///< true: create it; false: look for it, true result means the same storage

    bool operator==(const ProveStorage&) const = default;
};
struct StorageProof {
    PoolId pool;
    std::string root;
    std::string nonce;
    bool write = false;
    bool found = false; ///< for write: it was made
    std::string reason;

    bool operator==(const StorageProof&) const = default;
};

// ---- tool -> broker --------------------------------------------------------------------------

struct Submit {
    Action action;    ///< worker, vm, token and config are filled by the broker
    std::string on;   ///< worker name asked for, or empty
    bool yes = false; ///< the person agreed to a question that would be asked
    Uuid platform;    ///< of the machine the tool runs on; zero when it does not say
    BootId boot;      ///< of that machine's kernel, which every account may read; none: not said

    bool operator==(const Submit&) const = default;
};
struct CancelAction {
    std::string action; ///< id or unique prefix

    bool operator==(const CancelAction&) const = default;
};
struct Administer {
    enum class What : std::uint16_t { FenceWorker = 1, ForgetWorker = 2, TrustPool = 3 };

    What what = What::FenceWorker;
    std::string subject; ///< worker, or "worker:/pool/root"
    std::string reason;

    bool operator==(const Administer&) const = default;
};
struct Ask {
    Query query;
    std::uint32_t credit = 0; ///< rows the tool is ready to take

    bool operator==(const Ask&) const = default;
};
enum class WatchFrom : std::uint16_t { Now = 1, Beginning = 2, Cursor = 3, Time = 4 };
struct Watch {
    std::vector<Filter> filters;
    WatchFrom from = WatchFrom::Now;
    Cursor cursor;
    WallTime time;
    std::uint32_t credit = 0;  ///< events the tool is ready to take
    bool stop_at_head = false; ///< end when the head at the time of asking is reached

    bool operator==(const Watch&) const = default;
};
/// More room for the stream opened by the request with this correlation; also its sign of life.
struct Credit {
    std::uint32_t add = 0; ///< 0: only a sign of life

    bool operator==(const Credit&) const = default;
};
struct CloseStream {
    bool operator==(const CloseStream&) const = default;
};

// ---- broker -> tool --------------------------------------------------------------------------

struct Accepted {
    ActionId action;
    std::string label;
    std::string worker;
    std::string text; ///< e.g. "runs already" for REUSE

    bool operator==(const Accepted&) const = default;
};
struct Done {
    std::string text;

    bool operator==(const Done&) const = default;
};
struct Rows {
    Cursor at; ///< the journal position the answer holds at; in the first message of a stream
    std::vector<Row> rows;
    bool last = false;

    bool operator==(const Rows&) const = default;
};
struct WatchItem {
    Cursor cursor;
    WallTime recorded;
    SharedBytes event; ///< encoded; decoded by whoever shows it

    bool operator==(const WatchItem&) const;
};
/// Events from..to (both inclusive) cannot be given; `reason` is a word for people.
struct Gap {
    Cursor from;
    Cursor to;
    std::string reason;

    bool operator==(const Gap&) const = default;
};
struct WatchEvents {
    std::vector<std::variant<WatchItem, Gap>> items;
    Cursor position; ///< everything up to here was looked at, also what the filter left out
    bool caught_up = false;
    bool last = false; ///< with stop_at_head: the stream has ended

    bool operator==(const WatchEvents&) const = default;
};

// ---- starts by hand: wrapper -> agent -> broker, and back ------------------------------------

/// May somebody start this VM by hand? Action, vm and user are filled by the agent.
struct HandStart {
    ActionId action;
    VmId vm;
    std::string config; ///< absolute path on the agent's machine
    std::string label;
    std::string user;
    bool on_boot = false; ///< nobody asks: its configuration wants it started with its machine

    bool operator==(const HandStart&) const = default;
};
struct HandGrant {
    enum class Answer : std::uint16_t {
        Granted = 1, ///< a lease is held until the process that asked, or its QEMU, has ended
        Refused = 2, ///< `reason` says who holds it
        Alone = 3,   ///< on a local pool, while no broker can be asked
        Unknown = 4, ///< no configuration of this agent: as if there were no agent
    };

    ActionId action;
    Answer answer = Answer::Refused;
    std::uint64_t token = 0;
    std::string reason;

    bool operator==(const HandGrant&) const = default;
};

// ---- the machine goes down: ctys-agent --stop-guests -> agent, and back ----------------------

/// Stop the VMs of this machine (root and the agent's account may ask). Answered by GuestsStopping:
/// at once, each second, and when it is done.
struct StopGuests {
    std::optional<Duration>
        deadline; ///< what is left is cut then; none: as the agent is configured
    std::string reason;

    bool operator==(const StopGuests&) const = default;
};
struct GuestsStopping {
    std::vector<std::string> lines; ///< what happened since the last one, for people
    Duration left{};                ///< until what is left is cut
    std::uint32_t waiting = 0;      ///< VMs that are still to end
    bool done = false;              ///< the last message
    std::optional<Error> error;     ///< with `done`: not all ended

    bool operator==(const GuestsStopping&) const = default;
};

} // namespace msg

using Body = std::variant<msg::Ping,
                          msg::Pong,
                          msg::Failure,
                          msg::AgentHello,
                          msg::Publish,
                          msg::CommandStatus,
                          msg::CommandRefused,
                          msg::Confirm,
                          msg::Withdrawn,
                          msg::Welcome,
                          msg::Acknowledge,
                          msg::Command,
                          msg::CommandQuery,
                          msg::Confirmed,
                          msg::Withdraw,
                          msg::CancelCommand,
                          msg::ProveStorage,
                          msg::StorageProof,
                          msg::Submit,
                          msg::CancelAction,
                          msg::Administer,
                          msg::Ask,
                          msg::Watch,
                          msg::Credit,
                          msg::CloseStream,
                          msg::Accepted,
                          msg::Done,
                          msg::Rows,
                          msg::WatchEvents,
                          msg::HandStart,
                          msg::HandGrant,
                          msg::StopGuests,
                          msg::GuestsStopping,
                          msg::Farewell>;

/// What travels in one frame on the mesh socket.
struct Envelope {
    std::uint16_t version = protocol_version;
    std::uint64_t correlation = 0; ///< of the request this belongs to; chosen by who asked
    Body body;

    bool operator==(const Envelope&) const = default;
};

} // namespace ctys
