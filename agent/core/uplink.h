#pragma once

#include "agent/core/turn.h"

#include <deque>
#include <functional>
#include <optional>

namespace ctys::agent {

/// The agent's side of the connection to its broker: registration, the stream of events, and the
/// broker's clock. States:
///
///     state    | timer              | welcome       | failure "hello again" | 10 s without a ping
///     greeting | hello, with back-off | online      | -                     | -
///     online   | pong not needed    | from its mark | greeting              | greeting
class Uplink {
public:
    static constexpr std::size_t batch_events = 256;
    static constexpr std::size_t batch_bytes = 512 * 1024;
    /// What may be under way: enough that the broker never waits for its own commits (two syncs,
    /// some ms each on a slow disk) before it has the next events.
    static constexpr std::size_t window_batches = 16;
    static constexpr Duration first_retry = std::chrono::milliseconds{250};
    static constexpr Duration longest_retry = std::chrono::seconds{4};
    /// Without an acknowledgement for so long, what was sent is taken as lost with a connection.
    static constexpr Duration ack_patience = std::chrono::seconds{6};
    static constexpr Duration first_walk = std::chrono::seconds{10};
    static constexpr Duration sign_of_life = std::chrono::seconds{1}; // DESIGN: Heartbeats
    static constexpr Duration silence = std::chrono::seconds{10};
    /// A ping older than this says nothing about the broker's present time (DESIGN 4).
    static constexpr Duration clock_valid = std::chrono::seconds{3};

    /// `limit` bytes of unacknowledged events are kept (P8); then the oldest are dropped. `facts`
    /// says how everything stands at the moment it is asked, as events.
    Uplink(StreamStart start, std::size_t limit, std::function<std::vector<Event>()> facts);

    void start(Turn& turn, std::uint64_t digest);
    /// The pools were walked once: facts are complete from now on, and may be sent.
    void on_facts_complete(Turn& turn);
    void on_timer(Turn& turn, std::uint64_t digest);
    void on_welcome(Turn& turn, const msg::Welcome& welcome);
    void on_acknowledge(Turn& turn, const msg::Acknowledge& acknowledge);
    void on_ping(Turn& turn, const msg::Ping& ping);
    void on_pong(const msg::Pong& pong);
    /// Called before every input. After a gap that only a frozen process has, what is queued may be
    /// old: the broker's clock counts again when an answer to a question asked now has come.
    void on_step(Turn& turn);
    void on_hello_again(Turn& turn, std::uint64_t digest);
    /// Events emitted in this step; they are sent when Spooled says so.
    void on_emitted(const std::vector<SpoolEvent>& events);
    void on_spooled(Turn& turn, std::uint64_t last_sequence);

    /// The broker's clock now; nothing when no recent ping tells it.
    [[nodiscard]] std::optional<Duration> session(Instant now) const;
    [[nodiscard]] bool online() const { return online_; }
    /// Nothing the broker has not acknowledged is left.
    [[nodiscard]] bool is_drained() const { return kept_.empty(); }
    /// Told when events were dropped for lack of room since the last call: the spool need not keep
    /// them either. The broker sees the jump and records it as a gap.
    [[nodiscard]] std::optional<TrimSpool> take_dropped();

private:
    void await_ack(const Turn& turn);
    void hello(Turn& turn, std::uint64_t digest);
    void send_more(Turn& turn);
    void send_facts(Turn& turn);

    StreamId stream_;
    std::deque<SpoolEvent> kept_; ///< not acknowledged
    std::size_t kept_bytes_ = 0;
    std::size_t limit_;
    std::uint64_t last_sequence_;
    std::uint64_t hash_;
    std::uint64_t spooled_; ///< durable here
    std::uint64_t sent_ = 0;
    std::uint64_t acknowledged_;
    std::uint64_t dropped_ = 0;
    Cursor cursor_;
    bool online_ = false;
    std::size_t awaited_ = 0; ///< acknowledgements that are to come
    Instant progress_;        ///< the last one, or the first message after a quiet time
    bool facts_due_ = false;
    bool facts_complete_ = false;
    Instant facts_at_; ///< then they are sent as they are: a mount may hang for ever
    std::function<std::vector<Event>()> facts_;
    Duration retry_ = first_retry;
    Instant heard_;
    Instant last_step_;
    std::optional<Duration> doubt_; ///< the question that is to be answered first
    std::optional<std::pair<Duration, Instant>> clock_; ///< broker's time, and when it came
};

} // namespace ctys::agent
