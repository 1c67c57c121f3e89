// Happy path: a request is sent with a correlation of its own; the loop runs until an answer with
// it is in the inbox. Streams keep their inbox open and grant credit as answers are taken.
//
// Failure modes:
// - nobody listens at an ipc path: found by a plain connect before ZeroMQ is asked, which would
//   wait for ever;
// - the broker hangs or goes away: the patience of the wait ends;
// - the broker comes back: ZeroMQ reconnects; it no longer knows our streams and answers the next
//   sign of life with a failure, on which the watcher opens anew at its cursor. An order may have
//   died with it: it is sent again until it is answered, and its id makes it one order.

#include "tools/client/connection.h"

#include "mesh/bus/context.h"
#include "mesh/bus/socket.h"
#include "mesh/core/text.h"
#include "mesh/loop/timer.h"
#include "mesh/loop/unix_stream.h"
#include "schema/codec.h"
#include "tools/client/broker_choice.h"

#include <fmt/format.h>

#include <deque>
#include <map>

namespace ctys::tools {

namespace {

// The broker closes a stream after 30 s of silence; a broker that started anew is found out within
// one of these.
constexpr Duration sign_of_life = std::chrono::seconds{3};
// A socket on which nobody listens was left behind by a broker that was killed: whoever watches
// over it starts another one.
constexpr Duration restart_patience = std::chrono::seconds{2};
constexpr Duration ask_again = std::chrono::milliseconds{50};
constexpr Duration order_again = std::chrono::seconds{2};
constexpr std::uint32_t row_credit = 8192;

} // namespace

struct Connection::State {
    State(loop::EventLoop& run, const bus::Endpoint& where)
        : loop(run), endpoint(where), alive(run) {}

    void on_message(bus::Message& message) {
        auto envelope = schema::decode_envelope(message.frames.back().bytes());
        if (!envelope) {
            const auto correlation = schema::correlation_of(message.frames.back().bytes());
            deliver(correlation, msg::Failure{envelope.error()});
            return;
        }
        deliver(envelope->correlation, std::move(envelope->body));
    }
    void deliver(std::uint64_t correlation, Body body) {
        const auto inbox = inboxes.find(correlation);
        if (inbox != inboxes.end()) inbox->second.push_back(std::move(body));
    }
    Status send(std::uint64_t correlation, Body body) {
        const auto bytes =
            schema::encode(Envelope{.correlation = correlation, .body = std::move(body)});
        bus::Frames frames;
        frames.emplace_back(std::span<const std::byte>{bytes});
        return socket->send(frames);
    }
    [[nodiscard]] Error silence(Duration waited) const {
        Error error{.code = ErrorCode::Unreachable,
                    .message = fmt::format("the broker at {} has not answered for {}",
                                           endpoint.to_string(),
                                           to_short_text(waited)),
                    .try_next = "ctys doctor"};
        // Over CURVE a key that is refused and a broker that is away look alike.
        if (endpoint.is_tcp())
            error.evidence = {"it may be away, not know this key, or have another key itself"};
        return error;
    }
    void show_life() {
        for (const auto stream : streams) {
            // A full queue means that the broker is away: the wait's patience decides, not this.
            static_cast<void>(send(stream, msg::Credit{.add = 0}));
        }
    }

    loop::EventLoop& loop;
    bus::Endpoint endpoint;
    std::optional<bus::Socket> socket;
    loop::Timer alive;
    Duration patience = default_patience;
    std::uint64_t last_correlation = 0;
    std::map<std::uint64_t, std::deque<Body>> inboxes;
    std::vector<std::uint64_t> streams;
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>>
Connection::open(bus::Context& context,
                 loop::EventLoop& loop,
                 const bus::Endpoint& endpoint,
                 const std::variant<std::monostate, bus::CurveServer, bus::CurveClient>& security,
                 Duration patience) {
    if (!endpoint.is_tcp()) {
        auto probe = loop::UnixStream::connect(loop, endpoint.path());
        for (auto left = restart_patience; !probe && left > Duration{}; left -= ask_again) {
            if (probe.error().code != ErrorCode::Unreachable) break;
            static_cast<void>(loop.run_until([] { return false; }, ask_again));
            probe = loop::UnixStream::connect(loop, endpoint.path());
        }
        if (!probe && probe.error().code != ErrorCode::Overloaded) {
            const bool refused = probe.error().code == ErrorCode::Refused;
            auto error =
                no_broker(endpoint.to_string(),
                          refused ? "this user may not connect" : "nobody listens on the socket");
            if (refused) error.code = ErrorCode::Refused;
            return tl::unexpected(std::move(error));
        }
    }
    auto state = std::make_unique<State>(loop, endpoint);
    state->patience = patience;
    bus::SocketOptions options;
    options.security = security;
    // Time for a last CloseStream, none for a broker that is away.
    options.linger = std::chrono::milliseconds{50};
    state->socket.emplace(context,
                          loop,
                          bus::SocketKind::Dealer,
                          options,
                          [raw = state.get()](bus::Message& message) { raw->on_message(message); });
    if (auto connected = state->socket->connect(endpoint); !connected)
        return tl::unexpected(connected.error());
    return std::unique_ptr<Connection>(new Connection(std::move(state)));
}

Result<std::uint64_t> Connection::open_stream(Body body) {
    const auto stream = ++state_->last_correlation;
    state_->inboxes[stream];
    if (auto sent = state_->send(stream, std::move(body)); !sent) {
        state_->inboxes.erase(stream);
        return wrap(state_->endpoint.to_string(), sent.error());
    }
    state_->streams.push_back(stream);
    if (!state_->alive.is_active())
        state_->alive.start_repeating(sign_of_life, [raw = state_.get()] { raw->show_life(); });
    return stream;
}

std::optional<Body>
Connection::next(std::uint64_t stream, Duration bound, const std::function<bool()>& interrupted) {
    const auto inbox = state_->inboxes.find(stream);
    if (inbox == state_->inboxes.end()) return std::nullopt;
    const auto arrived = [&] { return !inbox->second.empty() || (interrupted && interrupted()); };
    static_cast<void>(state_->loop.run_until(arrived, bound));
    if (inbox->second.empty()) return std::nullopt;
    auto body = std::move(inbox->second.front());
    inbox->second.pop_front();
    return body;
}

void Connection::grant(std::uint64_t stream, std::uint32_t credit) {
    static_cast<void>(state_->send(stream, msg::Credit{.add = credit}));
}

void Connection::close_stream(std::uint64_t stream) {
    if (state_->inboxes.erase(stream) == 0) return;
    std::erase(state_->streams, stream);
    if (state_->streams.empty()) state_->alive.stop();
    static_cast<void>(state_->send(stream, msg::CloseStream{}));
}

Result<Body> Connection::request(Body body, std::optional<Duration> bound) {
    auto answer = exchange(std::move(body), bound.value_or(state_->patience));
    if (!answer) return answer;
    if (auto* failure = std::get_if<msg::Failure>(&*answer))
        return tl::unexpected(std::move(failure->error));
    return answer;
}

Result<Body>
Connection::exchange(Body body, Duration bound, const std::function<bool()>& interrupted) {
    const auto correlation = ++state_->last_correlation;
    state_->inboxes[correlation];
    const bool is_order = std::holds_alternative<msg::Submit>(body);
    bool left_early = false;
    Status sent;
    std::optional<Body> answer;
    for (auto left = bound; sent && !answer && !left_early && left > Duration{};) {
        const auto turn = is_order ? std::min(left, order_again) : left;
        sent = state_->send(correlation, body);
        if (sent) answer = next(correlation, turn, interrupted);
        left_early = interrupted && interrupted();
        left -= turn;
    }
    state_->inboxes.erase(correlation);
    if (!sent) return wrap(state_->endpoint.to_string(), sent.error());
    if (answer) return std::move(*answer);
    if (left_early) return fail(ErrorCode::Interrupted, {});
    return tl::unexpected(state_->silence(bound));
}

Status Connection::ask(const Query& query, const std::function<void(std::vector<Row>&&)>& take) {
    return take_rows(msg::Ask{.query = query, .credit = row_credit}, true, take);
}

Status Connection::plan(const msg::Submit& order,
                        const std::function<void(std::vector<Row>&&)>& take) {
    // A plan comes whole: there is no stream to grant anything to.
    return take_rows(order, false, take);
}

Status Connection::take_rows(Body question,
                             bool grants,
                             const std::function<void(std::vector<Row>&&)>& take) {
    const auto patience = state_->patience;
    auto stream = open_stream(std::move(question));
    if (!stream) return tl::unexpected(stream.error());
    std::uint32_t taken = 0;
    while (true) {
        auto answer = next(*stream, patience);
        if (!answer) {
            close_stream(*stream);
            return tl::unexpected(state_->silence(patience));
        }
        if (auto* failure = std::get_if<msg::Failure>(&*answer)) {
            close_stream(*stream);
            return tl::unexpected(std::move(failure->error));
        }
        auto* rows = std::get_if<msg::Rows>(&*answer);
        if (rows == nullptr) continue;
        const auto count = static_cast<std::uint32_t>(rows->rows.size());
        const bool last = rows->last;
        take(std::move(rows->rows));
        if (last) {
            close_stream(*stream);
            return {};
        }
        taken += count;
        if (grants && taken >= row_credit / 2) grant(*stream, std::exchange(taken, 0));
    }
}

Duration Connection::patience() const {
    return state_->patience;
}

const bus::Endpoint& Connection::endpoint() const {
    return state_->endpoint;
}

} // namespace ctys::tools
