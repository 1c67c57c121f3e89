#pragma once

// Internal to mesh/loop: the only header that includes uv.h. Public headers hide it.

#include "mesh/core/error.h"
#include "mesh/core/time.h"
#include "mesh/loop/event_loop.h"

#include <uv.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>

namespace ctys::loop {

/// Throws std::system_error naming the call when a libuv code is negative.
void check(int code, const char* call);

/// A libuv code (negative errno) as an error: NotFound, Refused, Conflict, Overloaded or Failed.
[[nodiscard]] Error uv_error(int code, std::string_view what);
/// The same for errno.
[[nodiscard]] Error errno_error(int number, std::string_view what);

/// Milliseconds for libuv, rounded up so that a timer never fires early; negative spans are 0.
[[nodiscard]] std::uint64_t to_uv_ms(Duration span);

/// Ends the loop with this exception; run() rethrows it.
void fail_loop(uv_loop_t* loop, std::exception_ptr failure) noexcept;

/// What outlives its owner until the kernel says so (a killed child not yet reaped). `close` is
/// called when the loop ends first.
void keep_orphan(uv_loop_t* loop, void* orphan, std::function<void()> close);
void forget_orphan(uv_loop_t* loop, void* orphan);

template <typename H>
uv_handle_t* as_handle(H* handle) {
    return reinterpret_cast<uv_handle_t*>(handle);
}

template <typename H>
const uv_handle_t* as_handle(const H* handle) {
    return reinterpret_cast<const uv_handle_t*>(handle);
}

/// Runs foreign code inside a C callback: nothing leaves it.
template <typename F>
void guarded(uv_loop_t* loop, F&& body) noexcept {
    try {
        body();
    } catch (...) {
        fail_loop(loop, std::current_exception());
    }
}

/// Calls a function held in a state object that the call may replace, and puts it back if not.
/// The state itself lives until its close callback, so dropping the owner inside is allowed.
template <typename Signature, typename... Args>
void call_held(std::function<Signature>& held, Args&&... args) {
    if (!held) return;
    auto running = std::move(held);
    held = nullptr;
    running(std::forward<Args>(args)...);
    if (!held) held = std::move(running);
}

/// Closes the only handle of a state object, which is deleted in the close callback.
template <typename State, typename H>
void close_and_delete(State* state, H* handle) {
    handle->data = state;
    uv_close(as_handle(handle), [](uv_handle_t* closed) {
        // What the callbacks captured is destroyed here and may throw or drop other handles.
        guarded(closed->loop, [&] { delete static_cast<State*>(closed->data); });
    });
}

} // namespace ctys::loop
