#pragma once

#include "mesh/bus/endpoint.h"
#include "mesh/bus/socket_options.h"
#include "mesh/core/message.h"
#include "mesh/loop/event_loop.h"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ctys::bus {
class Context;
} // namespace ctys::bus

namespace ctys::tools {

/// One conversation with the broker. Every wait runs the loop and ends at its patience; answers
/// are matched by correlation, and one that comes late is dropped.
class Connection {
public:
    /// Connects; over ipc it is known at once whether anybody listens. Errors: Unreachable.
    [[nodiscard]] static Result<std::unique_ptr<Connection>>
    open(bus::Context& context,
         loop::EventLoop& loop,
         const bus::Endpoint& endpoint,
         const std::variant<std::monostate, bus::CurveServer, bus::CurveClient>& security,
         Duration patience = default_patience);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// One request, one answer. A Failure comes back as its error. A Submit is sent again every two
    /// seconds meanwhile. Errors: Unreachable (no answer within `bound`, else within the patience).
    [[nodiscard]] Result<Body> request(Body body, std::optional<Duration> bound = {});
    /// The same, but a Failure is an answer like others, and the wait ends when `interrupted`
    /// becomes true: what was asked may have arrived. Errors: Unreachable, Interrupted.
    [[nodiscard]] Result<Body>
    exchange(Body body, Duration bound, const std::function<bool()>& interrupted = {});

    /// Every row of a query, given to `take` as they come. Errors: those of the broker,
    /// Unreachable (silence for longer than the patience).
    [[nodiscard]] Status ask(const Query& query,
                             const std::function<void(std::vector<Row>&&)>& take);

    /// The rows of the plan for an order with dry_run: nothing is done. Errors: as ask().
    [[nodiscard]] Status plan(const msg::Submit& order,
                              const std::function<void(std::vector<Row>&&)>& take);

    /// Opens a stream: the answers to this request are collected until the stream is closed.
    [[nodiscard]] Result<std::uint64_t> open_stream(Body body);
    /// The next answer on it; nothing when `bound` passes or `interrupted` becomes true first.
    /// While waiting the broker gets a sign of life every few seconds.
    [[nodiscard]] std::optional<Body>
    next(std::uint64_t stream, Duration bound, const std::function<bool()>& interrupted = {});
    void grant(std::uint64_t stream, std::uint32_t credit);
    void close_stream(std::uint64_t stream);

    [[nodiscard]] const bus::Endpoint& endpoint() const;
    /// How long the broker may be silent before it counts as away.
    [[nodiscard]] Duration patience() const;

    /// The broker answers from its inventory, so silence of this length means it hangs.
    static constexpr Duration default_patience = std::chrono::seconds{10};

private:
    struct State;
    [[nodiscard]] Status
    take_rows(Body question, bool grants, const std::function<void(std::vector<Row>&&)>& take);
    explicit Connection(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace ctys::tools
