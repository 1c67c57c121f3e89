#pragma once

#include "agent/qmp/framing.h"
#include "agent/qmp/value.h"
#include "mesh/core/time.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ctys::qmp {

/// Names one command within its session; also its "id" on the wire.
using CommandId = std::uint64_t;

struct SessionLimits {
    /// QEMU answers within milliseconds, or serves somebody else and will not greet at all.
    Duration greeting = std::chrono::seconds{1};
    Duration negotiation = std::chrono::seconds{2};
    /// QEMU reads no further while 8 commands wait (QMP_REQ_QUEUE_LEN_MAX in its monitor).
    std::size_t in_flight = 8;
    std::size_t queued = 64;
    std::size_t command_bytes = 1024 * 1024;
    std::size_t message_bytes = max_message_bytes;
};

/// The session can be used; the greeting's words.
struct Ready {
    std::string version; ///< "7.2.9"
    std::string package; ///< "Debian 1:7.2+dfsg-7+deb12u7", may be empty
};

struct Event {
    std::string name; ///< "SHUTDOWN"
    Value data;       ///< an object, or null
    WallTime at;      ///< QEMU's clock; none where QEMU could not read it
};

/// How a command ended. Every accepted command gets exactly one.
struct Reply {
    enum class Outcome {
        Done,
        Declined,    ///< QEMU answered with an error
        Interrupted, ///< the session ended first; it may or may not have been carried out
        TimedOut     ///< no answer by its deadline; it may still be carried out
    };

    CommandId command = 0;
    Outcome outcome = Outcome::Done;
    Value value = {};             ///< of Done
    std::string error_class = {}; ///< of Declined: "GenericError", "CommandNotFound", ...
    std::string description = {}; ///< of all but Done

    /// Errors: Unsupported (CommandNotFound), Failed (declined otherwise), Unreachable
    /// (interrupted), TimedOut.
    [[nodiscard]] Result<Value> to_result() const;
};

/// The session is over, whoever ended it; the last notice. Codes: Unreachable (the connection
/// ended), TimedOut (no greeting: the monitor serves somebody else; or no negotiation), Malformed
/// (the peer broke the protocol), Cancelled (stopped by us).
struct Closed {
    Error why;
};

using Notice = std::variant<Ready, Event, Reply, Closed>;

struct SessionEffects {
    std::string write;           ///< to be sent at once, in order
    std::vector<Notice> notices; ///< in the order in which they were learnt
};

struct SessionCounters {
    std::uint64_t unknown_ids = 0;      ///< answers to nothing that was asked: dropped
    std::uint64_t late_replies = 0;     ///< answers to what had timed out: dropped
    std::uint64_t unknown_messages = 0; ///< objects of no known kind: dropped
};

/// One QMP session of a client, from the connection to its end (docs/interop/qmp-spec of QEMU):
/// greeting, qmp_capabilities, then commands. Pure: bytes and time in, bytes and notices out.
///
/// A command that timed out keeps its place among those in flight until QEMU answers it, so that a
/// monitor that hangs is not fed further commands.
class Session {
public:
    enum class Phase { Idle, Greeting, Negotiating, Running, Closed };

    explicit Session(SessionLimits limits = {}) : limits_(limits), framer_(limits.message_bytes) {}

    /// The connection exists. A bug unless Idle.
    void connected(Instant now);

    struct Submitted {
        CommandId id = 0;
        SessionEffects effects;
    };
    /// Asks for a command; before the session runs it waits in the queue. Arguments are an object
    /// or null. Errors: Unreachable (closed), Overloaded (the queue is full), Usage (too long).
    [[nodiscard]] Result<Submitted>
    submit(std::string_view command, const Value& arguments, Instant deadline);

    [[nodiscard]] SessionEffects receive(std::string_view bytes, Instant now);
    /// Deadlines that have passed take effect.
    [[nodiscard]] SessionEffects tick(Instant now);
    /// When tick() has something to do, if nothing else happens before.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    /// The connection is gone, or we give it up. Idempotent: the second one has no effects.
    [[nodiscard]] SessionEffects disconnected(const Error& why);

    [[nodiscard]] Phase phase() const { return phase_; }
    [[nodiscard]] const SessionCounters& counters() const { return counters_; }

private:
    struct Pending {
        std::string line; ///< empty once it is sent
        Instant deadline;
        bool abandoned = false; ///< its reply was given up
    };

    void on_message(std::string_view line, Instant now, SessionEffects& effects);
    void on_greeting(const Value& message, Instant now, SessionEffects& effects);
    void on_reply(const Value& message, SessionEffects& effects);
    void on_negotiated(const Value& message, SessionEffects& effects);
    void send_queued(SessionEffects& effects);
    void end(const Error& why, SessionEffects& effects);

    SessionLimits limits_;
    Framer framer_;
    Phase phase_ = Phase::Idle;
    Ready ready_;
    Instant phase_deadline_;
    std::deque<CommandId> queue_;
    std::map<CommandId, Pending> pending_; ///< queued and in flight
    std::size_t in_flight_ = 0;
    CommandId next_id_ = 1; ///< 0 is the negotiation
    SessionCounters counters_;
};

} // namespace ctys::qmp
