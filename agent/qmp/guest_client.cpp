// Happy path: TalkOnStream; its end is told, once.
//
// Failure modes: the guest reads nothing, or QEMU goes away: the talk is told that the connection
// has ended, and says what that means.

#include "agent/qmp/guest_client.h"

#include "agent/qmp/talk_on_stream.h"
#include "mesh/loop/id_source.h"

#include <fmt/format.h>

namespace ctys::qmp {

namespace {

std::int64_t unguessable_number() {
    return static_cast<std::int64_t>(loop::SystemIdSource{}.next_u64() >> 1U);
}

} // namespace

struct GuestClient::State : TalkOnStream<State, GuestTalk> {
    State(loop::EventLoop& on_loop, loop::UnixStream to, GuestTalk with, OnEnd then)
        : TalkOnStream(on_loop, std::move(to), std::move(with)), on_end(std::move(then)) {}

    OnEnd on_end;

    void tell(const GuestTalkEffects& effects) {
        if (!effects.end) return;
        close();
        on_end(*effects.end);
    }
};

Result<std::unique_ptr<GuestClient>> GuestClient::connect(loop::EventLoop& loop,
                                                          const std::string& path,
                                                          GuestRequest request,
                                                          Options options,
                                                          OnEnd on_end) {
    auto stream = loop::UnixStream::connect(loop, path);
    if (!stream) return tl::unexpected(stream.error());
    const auto pid = stream->peer().pid;
    if (options.expected_pid && *options.expected_pid != pid) {
        return fail(
            ErrorCode::Refused,
            fmt::format("process {} listens at {}, not {}", pid, path, *options.expected_pid));
    }
    GuestTalk talk{std::move(request), unguessable_number(), options.limits};
    auto state =
        std::make_shared<State>(loop, std::move(*stream), std::move(talk), std::move(on_end));
    State::start(state, "the connection was closed");
    State::perform(state, state->talk.connected(state->now()));
    return std::unique_ptr<GuestClient>(new GuestClient(std::move(state)));
}

GuestClient::GuestClient(std::shared_ptr<State> state) : state_(std::move(state)) {}

GuestClient::~GuestClient() {
    state_->drop();
}

} // namespace ctys::qmp
