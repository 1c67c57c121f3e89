// Happy path
// - bytes of the stream go into the session, what the session writes goes into the stream
// - notices go to the callbacks in their order; one timer stands for the earliest deadline
// Failure modes
// - the peer goes away, or breaks the protocol: replies are interrupted, on_closed, stream closed
// - the peer does not read: the bound of the stream's queue ends the session as Overloaded
// - a callback drops the client: the rest of the notices is forgotten

#include "agent/qmp/client.h"

#include "mesh/loop/timer.h"

#include <fmt/format.h>

#include <unordered_map>

namespace ctys::qmp {

struct Client::State {
    State(loop::EventLoop& on_loop, loop::UnixStream to, Options with, Callbacks calls)
        : loop(on_loop), stream(std::move(to)), options(with), callbacks(std::move(calls)),
          session(with.limits), timer(on_loop) {}

    loop::EventLoop& loop;
    loop::UnixStream stream;
    Options options;
    Callbacks callbacks;
    Session session;
    loop::Timer timer;
    std::unordered_map<CommandId, OnReply> waiting;
    bool dropped = false;

    static void start(const std::shared_ptr<State>& self);
    static void perform(const std::shared_ptr<State>& self, const SessionEffects& effects);
    static void tell(State& state, const Notice& notice);
    static void arm(const std::shared_ptr<State>& self);
    [[nodiscard]] Instant now() const { return loop.now().instant; }
};

void Client::State::start(const std::shared_ptr<State>& self) {
    const std::weak_ptr<State> weak = self;
    self->session.connected(self->now());
    self->stream.start(
        [weak](std::span<const std::byte> bytes) {
            const auto state = weak.lock();
            if (!state || state->dropped) return;
            const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            perform(state, state->session.receive(text, state->now()));
        },
        [weak](const Status& end) {
            const auto state = weak.lock();
            if (!state || state->dropped) return;
            const Error closed{.code = ErrorCode::Unreachable,
                               .message = end ? "the monitor closed the connection"
                                              : "the connection broke: " + end.error().message};
            perform(state, state->session.disconnected(closed));
        });
    arm(self);
}

void Client::State::perform(const std::shared_ptr<State>& self, const SessionEffects& effects) {
    if (!effects.write.empty()) {
        if (const auto written = self->stream.write(effects.write); !written) {
            // After the present notices, which were learnt before.
            const std::weak_ptr<State> weak = self;
            self->loop.defer([weak, why = written.error()] {
                const auto state = weak.lock();
                if (state && !state->dropped) perform(state, state->session.disconnected(why));
            });
        }
    }
    for (const auto& notice : effects.notices) {
        if (self->dropped) return;
        tell(*self, notice);
    }
    if (!self->dropped) arm(self);
}

void Client::State::tell(State& state, const Notice& notice) {
    if (const auto* ready = std::get_if<Ready>(&notice)) {
        if (state.callbacks.on_ready) state.callbacks.on_ready(*ready);
    } else if (const auto* event = std::get_if<Event>(&notice)) {
        if (state.callbacks.on_event) state.callbacks.on_event(*event);
    } else if (const auto* reply = std::get_if<Reply>(&notice)) {
        const auto found = state.waiting.find(reply->command);
        if (found == state.waiting.end()) return;
        const auto on_reply = std::move(found->second);
        state.waiting.erase(found);
        if (on_reply) on_reply(*reply);
    } else if (const auto* closed = std::get_if<Closed>(&notice)) {
        state.timer.stop();
        state.stream.close();
        if (state.callbacks.on_closed) state.callbacks.on_closed(closed->why);
    }
}

void Client::State::arm(const std::shared_ptr<State>& self) {
    const auto deadline = self->session.next_deadline();
    if (!deadline) return self->timer.stop();
    const std::weak_ptr<State> weak = self;
    self->timer.start_once(std::max(Duration{0}, *deadline - self->now()), [weak] {
        const auto state = weak.lock();
        if (state && !state->dropped) perform(state, state->session.tick(state->now()));
    });
}

Result<std::unique_ptr<Client>> Client::accept(loop::EventLoop& loop,
                                               loop::UnixStream stream,
                                               Options options,
                                               Callbacks callbacks) {
    const auto pid = stream.peer().pid;
    if (options.expected_pid && *options.expected_pid != pid) {
        return fail(ErrorCode::Refused,
                    fmt::format("process {} is at the monitor's socket, not {}",
                                pid,
                                *options.expected_pid));
    }
    auto state = std::make_shared<State>(loop, std::move(stream), options, std::move(callbacks));
    State::start(state);
    return std::unique_ptr<Client>(new Client(std::move(state)));
}

Result<std::unique_ptr<Client>> Client::connect(loop::EventLoop& loop,
                                                const std::string& path,
                                                Options options,
                                                Callbacks callbacks) {
    auto stream = loop::UnixStream::connect(loop, path);
    if (!stream) return wrap("connect to the monitor", stream.error());
    return accept(loop, std::move(*stream), options, std::move(callbacks));
}

Client::Client(std::shared_ptr<State> state) : state_(std::move(state)) {}

Client::~Client() {
    state_->dropped = true;
    state_->timer.stop();
    state_->stream.close();
}

Status Client::execute(std::string_view command,
                       const Value& arguments,
                       Duration patience,
                       OnReply on_reply) {
    auto submitted = state_->session.submit(command, arguments, state_->now() + patience);
    if (!submitted) return tl::make_unexpected(submitted.error());
    state_->waiting.emplace(submitted->id, std::move(on_reply));
    State::perform(state_, submitted->effects);
    return {};
}

void Client::stop() {
    const auto keep = state_;
    State::perform(
        keep,
        keep->session.disconnected({.code = ErrorCode::Cancelled, .message = "the agent lets go"}));
}

std::uint64_t Client::generation() const {
    return state_->options.generation;
}
const loop::PeerCredentials& Client::peer() const {
    return state_->stream.peer();
}
Session::Phase Client::phase() const {
    return state_->session.phase();
}
const SessionCounters& Client::counters() const {
    return state_->session.counters();
}

} // namespace ctys::qmp
