#pragma once

#include "agent/qmp/framing.h"
#include "agent/qmp/value.h"
#include "mesh/core/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ctys::qmp {

/// What the agent inside a guest (qemu-ga) is asked for.
struct GuestRequest {
    enum class Kind : std::uint8_t {
        PowerOff, ///< guest-shutdown; it answers nothing when it has taken it
        Run       ///< guest-exec, whose exit status is waited for
    };
    Kind kind = Kind::PowerOff;
    std::vector<std::string> argv = {}; ///< of Run: an absolute path and its arguments
};

struct GuestTalkLimits {
    /// From the connection to the reply that shows that somebody is there.
    Duration sync = std::chrono::seconds{1};
    /// From there to the end: of a PowerOff, after which silence means that it was taken.
    Duration answer = std::chrono::seconds{5};
    Duration look_again = std::chrono::milliseconds{250}; ///< whether what was run has ended
    Duration look = std::chrono::seconds{5};              ///< time for the answer to that
    std::size_t line_bytes = 64UL * 1024;
    std::size_t total_bytes = 1024UL * 1024;
};

/// The guest has done what it was asked for, as far as it tells.
struct GuestAnswer {
    std::optional<int> exit_status; ///< of Run; 128 and the number of a signal that ended it

    bool operator==(const GuestAnswer&) const = default;
};

struct GuestTalkEffects {
    std::string write; ///< to be sent at once
    /// Once, and nothing after it. Errors: TimedOut (nobody there), Malformed (that is no guest
    /// agent), Failed (it has refused, in its words), Unreachable (the connection ended before it
    /// was asked), Indeterminate (it was told to run something, and does not say how that ended).
    std::optional<Result<GuestAnswer>> end;
};

/// One request to a guest agent, from the connection to its end (qga/qapi-schema.json of QEMU).
/// Pure: bytes and time in, bytes and the end out. The other side is a guest: nothing it says is
/// believed beyond its own case, kept beyond the limits, or passed on unescaped.
///
///     phase    | input                        | next
///     idle     | connected                    | syncing: 0xFF and guest-sync-delimited are sent
///     syncing  | 0xFF and our number          | asking: the request is sent
///              | another line                 | syncing: meant for who talked before us
///              | its time is over             | over: nobody there
///     asking   | an error                     | over: refused
///              | a reply                      | over: done; of Run watching
///              | connection ends, time is over | over: done; of Run not known
///     watching | a reply: it runs             | watching: asked again a little later
///              | a reply: it has ended        | over: done, with its exit status
///              | an error, connection ends, time is over, no answer | over: not known
///     not over | too long a line, too much    | over: no guest agent; of watching not known
///     over     | anything                     | over: nothing
class GuestTalk {
public:
    enum class Phase : std::uint8_t { Idle, Syncing, Asking, Watching, Over };

    /// `number` is not to be guessed by who talked before; 0 or more.
    GuestTalk(GuestRequest request, std::int64_t number, GuestTalkLimits limits = {})
        : request_(std::move(request)), number_(number), limits_(limits),
          framer_(limits.line_bytes) {}

    /// The connection exists. A bug unless Idle.
    [[nodiscard]] GuestTalkEffects connected(Instant now);
    [[nodiscard]] GuestTalkEffects receive(std::string_view bytes, Instant now);
    /// Deadlines that have passed take effect.
    [[nodiscard]] GuestTalkEffects tick(Instant now);
    /// When tick() has something to do, if nothing else happens before.
    [[nodiscard]] std::optional<Instant> next_deadline() const;
    [[nodiscard]] GuestTalkEffects disconnected(const Error& why);

    [[nodiscard]] Phase phase() const { return phase_; }

private:
    void on_line(std::string_view line, Instant now, GuestTalkEffects& effects);
    void on_sync(std::string_view line, Instant now, GuestTalkEffects& effects);
    void on_reply(const Value& message, Instant now, GuestTalkEffects& effects);
    void on_status(const Value& status, Instant now, GuestTalkEffects& effects);
    void ask_for_status(Instant now, GuestTalkEffects& effects);
    void break_off(std::string why, GuestTalkEffects& effects);
    void end(Result<GuestAnswer> how, GuestTalkEffects& effects);

    GuestRequest request_;
    std::int64_t number_;
    GuestTalkLimits limits_;
    Framer framer_;
    Phase phase_ = Phase::Idle;
    std::size_t received_ = 0;
    Instant deadline_;
    std::optional<Instant> look_again_at_; ///< of Watching: no question is open until then
    Instant look_until_;                   ///< of Watching: of the open question
    std::int64_t pid_ = 0;                 ///< of what it runs
};

} // namespace ctys::qmp
