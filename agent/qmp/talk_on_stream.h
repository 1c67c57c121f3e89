#pragma once

#include "mesh/loop/event_loop.h"
#include "mesh/loop/timer.h"
#include "mesh/loop/unix_stream.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ctys::qmp {

/// A state machine over bytes and time (Session, GuestTalk) on a connection of the loop: what comes
/// out of the stream goes into it, what it writes goes into the stream, one timer stands for its
/// next deadline. Base of a `State`, which takes the rest of its effects in tell(). That may
/// close() or drop() it: whoever calls holds `self`.
template <typename State, typename Talk>
struct TalkOnStream {
    TalkOnStream(loop::EventLoop& on_loop, loop::UnixStream to, Talk with)
        : loop(on_loop), stream(std::move(to)), talk(std::move(with)), timer(on_loop) {}

    loop::EventLoop& loop;
    loop::UnixStream stream;
    Talk talk;
    loop::Timer timer;
    bool dropped = false; ///< by its owner: nothing is told any more

    /// `closed`: how it is told that the peer has ended the connection in order.
    static void start(const std::shared_ptr<State>& self, std::string_view closed) {
        const std::weak_ptr<State> weak = self;
        self->stream.start(
            [weak](std::span<const std::byte> bytes) {
                const auto state = weak.lock();
                if (!state || state->dropped) return;
                const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                                            bytes.size());
                perform(state, state->talk.receive(text, state->now()));
            },
            [weak, closed = std::string{closed}](const Status& end) {
                const auto state = weak.lock();
                if (!state || state->dropped) return;
                const Error why{.code = ErrorCode::Unreachable,
                                .message =
                                    end ? closed : "the connection broke: " + end.error().message};
                perform(state, state->talk.disconnected(why));
            });
        arm(self);
    }

    template <typename Effects>
    static void perform(const std::shared_ptr<State>& self, const Effects& effects) {
        if (!effects.write.empty()) {
            if (const auto written = self->stream.write(effects.write); !written) {
                // After what is told now, and never before the return of who asked.
                const std::weak_ptr<State> weak = self;
                self->loop.defer([weak, why = written.error()] {
                    const auto state = weak.lock();
                    if (state && !state->dropped) perform(state, state->talk.disconnected(why));
                });
            }
        }
        self->tell(effects);
        if (!self->dropped) arm(self);
    }

    void close() {
        timer.stop();
        stream.close();
    }
    void drop() {
        dropped = true;
        close();
    }
    [[nodiscard]] Instant now() const { return loop.now().instant; }

private:
    static void arm(const std::shared_ptr<State>& self) {
        const auto deadline = self->talk.next_deadline();
        if (!deadline) return self->timer.stop();
        const std::weak_ptr<State> weak = self;
        self->timer.start_once(std::max(Duration{0}, *deadline - self->now()), [weak] {
            const auto state = weak.lock();
            if (state && !state->dropped) perform(state, state->talk.tick(state->now()));
        });
    }
};

} // namespace ctys::qmp
