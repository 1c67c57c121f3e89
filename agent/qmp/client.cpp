// Happy path: TalkOnStream; notices go to the callbacks in their order.
// Failure modes
// - the peer goes away, or breaks the protocol: replies are interrupted, on_closed, stream closed
// - the peer does not read: the bound of the stream's queue ends the session as Overloaded
// - a callback drops the client: the rest of the notices is forgotten

#include "agent/qmp/client.h"

#include "agent/qmp/talk_on_stream.h"

#include <fmt/format.h>

#include <unordered_map>

namespace ctys::qmp {

struct Client::State : TalkOnStream<State, Session> {
    State(loop::EventLoop& on_loop, loop::UnixStream to, Options with, Callbacks calls)
        : TalkOnStream(on_loop, std::move(to), Session{with.limits}), options(with),
          callbacks(std::move(calls)) {}

    Options options;
    Callbacks callbacks;
    std::unordered_map<CommandId, OnReply> waiting;

    void tell(const SessionEffects& effects);
    void tell(const Notice& notice);
};

void Client::State::tell(const SessionEffects& effects) {
    for (const auto& notice : effects.notices) {
        if (dropped) return;
        tell(notice);
    }
}

void Client::State::tell(const Notice& notice) {
    if (const auto* ready = std::get_if<Ready>(&notice)) {
        if (callbacks.on_ready) callbacks.on_ready(*ready);
    } else if (const auto* event = std::get_if<Event>(&notice)) {
        if (callbacks.on_event) callbacks.on_event(*event);
    } else if (const auto* reply = std::get_if<Reply>(&notice)) {
        const auto found = waiting.find(reply->command);
        if (found == waiting.end()) return;
        const auto on_reply = std::move(found->second);
        waiting.erase(found);
        if (on_reply) on_reply(*reply);
    } else if (const auto* closed = std::get_if<Closed>(&notice)) {
        close();
        if (callbacks.on_closed) callbacks.on_closed(closed->why);
    }
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
    state->talk.connected(state->now());
    State::start(state, "the monitor closed the connection");
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
    state_->drop();
}

Status Client::execute(std::string_view command,
                       const Value& arguments,
                       Duration patience,
                       OnReply on_reply) {
    auto submitted = state_->talk.submit(command, arguments, state_->now() + patience);
    if (!submitted) return tl::make_unexpected(submitted.error());
    state_->waiting.emplace(submitted->id, std::move(on_reply));
    State::perform(state_, submitted->effects);
    return {};
}

void Client::stop() {
    const auto keep = state_;
    State::perform(
        keep,
        keep->talk.disconnected({.code = ErrorCode::Cancelled, .message = "the agent lets go"}));
}

std::uint64_t Client::generation() const {
    return state_->options.generation;
}
const loop::PeerCredentials& Client::peer() const {
    return state_->stream.peer();
}
Session::Phase Client::phase() const {
    return state_->talk.phase();
}
const SessionCounters& Client::counters() const {
    return state_->talk.counters();
}

} // namespace ctys::qmp
