// Happy path: what the talk writes goes into the stream, what comes out of that goes into the talk,
// and one timer stands for its next deadline.
//
// Failure modes: the guest reads nothing, or QEMU goes away: the talk is told that the connection
// has ended, and says what that means.

#include "agent/qmp/guest_client.h"

#include "mesh/loop/id_source.h"
#include "mesh/loop/timer.h"
#include "mesh/loop/unix_stream.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::qmp {

namespace {

std::int64_t unguessable_number() {
    return static_cast<std::int64_t>(loop::SystemIdSource{}.next_u64() >> 1U);
}

} // namespace

struct GuestClient::State {
    State(loop::EventLoop& on_loop,
          loop::UnixStream to,
          GuestRequest request,
          const GuestTalkLimits& limits,
          OnEnd then)
        : loop(on_loop), stream(std::move(to)),
          talk(std::move(request), unguessable_number(), limits), timer(on_loop),
          on_end(std::move(then)) {}

    loop::EventLoop& loop;
    loop::UnixStream stream;
    GuestTalk talk;
    loop::Timer timer;
    OnEnd on_end;
    bool dropped = false;

    static void start(const std::shared_ptr<State>& self);
    static void perform(const std::shared_ptr<State>& self, const GuestTalkEffects& effects);
    [[nodiscard]] Instant now() const { return loop.now().instant; }
};

void GuestClient::State::start(const std::shared_ptr<State>& self) {
    const std::weak_ptr<State> weak = self;
    self->stream.start(
        [weak](std::span<const std::byte> bytes) {
            const auto state = weak.lock();
            if (!state || state->dropped) return;
            const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            perform(state, state->talk.receive(text, state->now()));
        },
        [weak](const Status& end) {
            const auto state = weak.lock();
            if (!state || state->dropped) return;
            const Error closed{.code = ErrorCode::Unreachable,
                               .message = end ? "the connection was closed"
                                              : "the connection broke: " + end.error().message};
            perform(state, state->talk.disconnected(closed));
        });
    perform(self, self->talk.connected(self->now()));
}

void GuestClient::State::perform(const std::shared_ptr<State>& self,
                                 const GuestTalkEffects& effects) {
    const std::weak_ptr<State> weak = self;
    if (!effects.write.empty()) {
        if (const auto written = self->stream.write(effects.write); !written) {
            // Never before the return of connect().
            self->loop.defer([weak, why = written.error()] {
                const auto state = weak.lock();
                if (state && !state->dropped) perform(state, state->talk.disconnected(why));
            });
        }
    }
    if (effects.end) {
        self->timer.stop();
        self->stream.close();
        return self->on_end(*effects.end);
    }
    const auto deadline = self->talk.next_deadline();
    if (!deadline) return self->timer.stop();
    self->timer.start_once(std::max(Duration{0}, *deadline - self->now()), [weak] {
        const auto state = weak.lock();
        if (state && !state->dropped) perform(state, state->talk.tick(state->now()));
    });
}

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
    auto state = std::make_shared<State>(
        loop, std::move(*stream), std::move(request), options.limits, std::move(on_end));
    State::start(state);
    return std::unique_ptr<GuestClient>(new GuestClient(std::move(state)));
}

GuestClient::GuestClient(std::shared_ptr<State> state) : state_(std::move(state)) {}

GuestClient::~GuestClient() {
    state_->dropped = true;
    state_->timer.stop();
    state_->stream.close();
}

} // namespace ctys::qmp
